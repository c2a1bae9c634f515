import Contracts
import StrictJSON
import Testing

/// Every allowed step of every axis; each step that does not stand here is forbidden, and that is tested too.
@Suite("State axes")
struct StateTests {
    private func check<State: StateAxis>(_ allowed: [State: [State.Event: State]]) {
        for state in State.allCases {
            for event in State.Event.allCases {
                #expect(state.next(on: event) == allowed[state]?[event], "\(State.self) \(state) on \(event)")
            }
        }
    }

    @Test("A4–A10: application")
    func application() {
        let open: [ApplicationState.Event: ApplicationState] = [.cancel: .cancelled, .expire: .expired]
        func with(_ more: [ApplicationState.Event: ApplicationState]) -> [ApplicationState.Event: ApplicationState] {
            open.merging(more) { $1 }
        }
        check([
            ApplicationState.draft: with([.edit: .draft, .complete: .ready]),
            .ready: with([.edit: .draft, .submit: .submitted]),
            .submitted: with([.draw: .assigned]),
            .assigned: with([.startReview: .reviewing]),
            .reviewing: with([.askInformation: .informationWanted, .approve: .approved, .reject: .rejected]),
            .informationWanted: with([.giveInformation: .reviewing]),
            .approved: with([.issue: .issued]),
        ])
    }

    @Test("A9: payment")
    func payment() {
        check([
            PaymentState.none: [.request: .awaiting, .expire: .failed],
            .awaiting: [.receive: .processing, .expire: .failed],
            .processing: [.accept: .paid, .sendBack: .awaiting, .hold: .held],
            .held: [.accept: .paid, .sendBack: .awaiting],
            .paid: [.refundPart: .partlyRefunded, .refundRest: .refunded],
            .partlyRefunded: [.refundPart: .partlyRefunded, .refundRest: .refunded],
        ])
    }

    @Test("A10–A12, R6: policy")
    func policy() {
        check([
            PolicyState.none: [.order: .issuing],
            .issuing: [.fail: .issueFailed, .issue: .sealed],
            .issueFailed: [.retry: .issuing],
            .sealed: [.openBids: .opening, .askSurrender: .surrendering, .expire: .expired, .release: .released],
            .opening: [.endorse: .open, .expire: .expired, .release: .released],
            .open: [.expire: .expired, .release: .released, .claim: .claimed],
            .surrendering: [
                .surrender: .surrendered, .refuseSurrender: .sealed, .refuseSurrenderAfterOpening: .opening,
            ],
        ])
    }

    @Test("R1–R3: tender")
    func tender() {
        check([
            TenderState.open: [.suspend: .suspended, .terminate: .terminated, .openBids: .opened, .fail: .failed],
            .suspended: [.resume: .open, .terminate: .terminated],
            .opened: [.fail: .failed, .award: .awarded],
            .awarded: [.close: .closed], .failed: [.close: .closed], .terminated: [.close: .closed],
        ])
    }

    @Test("R4–R6: refund")
    func refund() {
        check([
            RefundState.applied: [.allow: .accountPending, .refuse: .rejected],
            .accountPending: [.fillAccount: .reviewing],
            .reviewing: [.approve: .approved, .refuse: .rejected],
            .approved: [.send: .sending],
            .sending: [.confirm: .done, .failPayout: .payoutFailed],
            .done: [.failPayout: .payoutFailed],
            .payoutFailed: [.fillAccount: .approved, .confirm: .done],
            .rejected: [.allow: .accountPending],
        ])
    }

    @Test("I1–I4: invoice")
    func invoice() {
        check([
            InvoiceState.applied: [.send: .issuing],
            .issuing: [.issue: .issued, .fail: .failed, .failSeal: .sealFailed],
            .failed: [.retry: .issuing], .sealFailed: [.retry: .issuing],
            .issued: [.post: .posted, .askRedLetter: .redPending],
            .posted: [.askRedLetter: .redPending],
            .redPending: [.issueRedLetter: .redDone],
        ])
    }

    @Test("claim")
    func claim() {
        check([
            ClaimState.submitted: [.examine: .examining, .withdraw: .withdrawn],
            .examining: [.accept: .accepted, .refuse: .refused, .withdraw: .withdrawn],
            .accepted: [.pay: .paid], .paid: [.recover: .recourse],
        ])
    }

    @Test("a forbidden step says what is forbidden")
    func refusal() {
        #expect(throws: IllegalTransition(axis: "RefundState", state: "done", event: "approve")) {
            try RefundState.done.applying(.approve)
        }
    }
}

@Suite("Problems")
struct ProblemTests {
    @Test("every code has a status of an error and a sentence in both languages", arguments: ProblemCode.allCases)
    func codes(_ code: ProblemCode) {
        #expect((400...599).contains(code.status))
        #expect(code.sentence(in: .chinese).hasSuffix("。"))
        #expect(code.sentence(in: .english).hasSuffix("."))
    }
}

@Suite("The bank's statement")
struct BankStatementTests {
    @Test("a line that cannot be read takes its place, and the lines behind it count")
    func unreadableLine() throws {
        let line = #"{"transaction":"B1","kind":"credit","amount":"1.00","at":"2026-11-24T08:00:00Z"}"#
        let others = [
            line.replacing("credit", with: "gift"), line.replacing("1.00", with: "-1.00"),
            line.replacing("1.00", with: "1e2"),
            line.replacing("1.00", with: "1.001"), line.replacing("1.00", with: "99999999999999999999.00"), "{}",
        ]
        let text = #"{"notices":[\#(([line] + others + [line]).joined(separator: ","))],"position":8}"#
        let statement = try StrictJSON.decode(BankStatement.self, from: Array(text.utf8), rules: .services)
        let isReadable = statement.notices.map { if case .notice = $0 { true } else { false } }
        #expect(isReadable == [true] + others.map { _ in false } + [true])
    }
}
