import Contracts
import DevelopmentDatabase
import Persistence
import Synchronization
import Testing

@testable import Payment

/// Failures that others had, each as a test, and what is decided on money that leaves.
@Suite("Money out")
struct PayoutTests {
    // MARK: Never too much, never twice

    @Test("two refunds of 60 on a payment of 100: the second is refused", arguments: DatabaseKind.allCases)
    func twiceSixty(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let order = try await books.earnedOrder(10_000).order
        _ = try await books.payout(order, 6_000)
        await refused(.amountAbovePaid) { try await books.payout(order, 6_000) }
        _ = try await books.payout(order, 4_000)
        #expect(try await books.balance(.refundsPayable) == Money(fen: -10_000))
    }

    @Test("a refund of nothing, or of less than nothing, is refused", arguments: [0, -1, -20_000] as [Int64])
    func notPositive(_ amount: Int64) async throws {
        let books = try await Books(.sqlite)
        let order = try await books.earnedOrder().order
        await refused(.invalidField) { try await books.payout(order, amount) }
        #expect(try await books.payouts().isEmpty)
    }

    @Test("a refund above what was paid is refused", arguments: DatabaseKind.allCases)
    func above(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let order = try await books.earnedOrder().order
        await refused(.amountAbovePaid) { try await books.payout(order, 20_001) }
    }

    @Test(
        "a late callback does not double what was received; a second transfer goes back whole",
        arguments: DatabaseKind.allCases)
    func lateCallback(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let (request, details) = try await books.order()
        let credit = try books.credit(details)
        try await books.book(credit)
        try await books.store.earn(books.issued(request), message: MessageID(), at: noon)
        try await books.book(credit)
        // A capture sent twice must not cost a good order its money.
        try await books.book(try books.credit(details))
        let order = try await books.store.paymentOrder(details.instruction.paymentOrder)
        #expect(order?.state == .paid && order?.received.fen == 20_000 && order?.returned.fen == 0)
        #expect(try await books.payouts().map(\.amount.fen) == [20_000])
        #expect(try await books.balance(.returnsPayable) == Money(fen: -20_000))
        await refused(.amountAbovePaid) { try await books.payout(request.order, 20_001) }
        _ = try await books.payout(request.order, 20_000)
    }

    @Test("R6: a refund is paid once, whatever key asks for it", arguments: DatabaseKind.allCases)
    func once(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let order = try await books.earnedOrder().order
        let (refund, key) = (RefundID(), Books.key())
        let first = try await books.payout(order, 20_000, refund: refund, key: key)
        #expect(try await books.payout(order, 20_000, refund: refund, key: key).id == first.id)
        await refused(.wrongState) { try await books.payout(order, 20_000, refund: refund) }
        try await books.settle(first.id, isDone: true)
        #expect(try await books.payout(order, 20_000, refund: refund).id == first.id)
        #expect(try await books.payouts().count == 1)
    }

    @Test(
        "R6: after a refused payout the same refund goes to another account, granted once, and the failed one stays",
        arguments: DatabaseKind.allCases)
    func failedRow(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let order = try await books.earnedOrder().order
        let refund = RefundID()
        let first = try await books.payout(order, 20_000, refund: refund)
        try await books.settle(first.id, isDone: false)
        let second = try await books.payout(
            order, 20_000, refund: refund, to: try account("安徽宏远（集团）公司", "622202100"))
        #expect(second.id != first.id && second.state == .sending)
        try await books.settle(second.id, isDone: true, as: "B2")
        #expect(try await books.payouts().map(\.state) == [.failed, .done])
        #expect(try await books.balance(.bank) == .zero)
        #expect(try await books.balance(.refundsPayable) == .zero)
        // Named too late, another account changes nothing: the refund is paid.
        #expect(try await books.payout(order, 20_000, refund: refund).id == second.id)
        await refused(.invalidField) { try await books.payout(order, 10_000, refund: refund) }
    }

    @Test("50 partial returns at once never exceed what was received", arguments: DatabaseKind.allCases)
    func concurrentParts(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        for round in 0..<(kind == .sqlite ? 200 : 20) {
            let order = try await books.earnedOrder(10_000).order
            let granted = try await withThrowingTaskGroup(of: Int64.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let amount = Int64(100 + (number * 37 + round * 11) % 900)
                        do {
                            return try await books.payout(order, amount).amount?.fen ?? 0
                        } catch let problem as Problem {
                            #expect([.amountAbovePaid, .wrongState, .unavailable].contains(problem.code))
                            return 0
                        } catch is IllegalTransition {
                            return 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            let stored = try await books.store.database.read {
                try Store.paymentOrder("order_id", order, in: $0)
            }
            #expect(granted <= 10_000 && stored?.returned.fen == granted)
        }
        #expect(try await books.total() == .zero)
    }

    @Test("many keys, each twenty times at once, give one effect each", arguments: DatabaseKind.allCases)
    func keys(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let count = kind == .sqlite ? 1_000 : 200
        try await books.store.database.write { try $0.execute("CREATE TABLE effect (name TEXT)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    let key = IdempotencyKey(text: "\(number)", fingerprint: "f")
                    try await withThrowingTaskGroup(of: String.self) { copies in
                        for _ in 0..<20 {
                            copies.addTask { try await Self.persist { try await Self.effect(number, key, books) } }
                        }
                        let answers = try await copies.reduce(into: Set<String>()) { $0.insert($1) }
                        #expect(answers.count == 1)
                    }
                }
                if number % 16 == 15 { try await group.next() }
            }
            try await group.waitForAll()
        }
        let effects: Int = try await books.store.database.read {
            try $0.row("SELECT COUNT(*) AS n FROM effect")?["n"] ?? -1
        }
        #expect(effects == count)
    }

    private static func effect(_ number: Int, _ key: IdempotencyKey, _ books: Books) async throws -> String {
        try await books.store.database.once(key, at: noon) { transaction in
            try transaction.execute("INSERT INTO effect (name) VALUES (?)", "\(number)")
            return MessageID().text
        }
    }

    /// As callers do: who is told to come again comes again.
    private static func persist<Value: Sendable>(_ call: () async throws -> Value) async throws -> Value {
        while true {
            do {
                return try await call()
            } catch let problem as Problem where problem.code == .unavailable {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    // MARK: What the bank says

    @Test(
        "a payout of which nothing is heard is found, asked about by its key, and never given a new one",
        arguments: DatabaseKind.allCases)
    func unanswered(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let payout = try await books.payout(try await books.earnedOrder().order, 20_000)
        #expect(try await books.store.unanswered(since: noon).isEmpty)
        let found = try #require(try await books.store.unanswered(since: noon + .seconds(10)).first)
        #expect(found.id == payout.id)
        // Its message waits: it is not sent a second time.
        try await books.store.resend(found, at: noon)
        #expect(try await books.messages().filter { $0 == "payout" }.count == 1)
        try await books.store.database.write { try $0.execute("DELETE FROM outbox") }
        try await books.store.resend(found, at: noon)
        let id: MessageID? = try await books.store.database.read { try $0.row("SELECT id FROM outbox")?["id"] }
        #expect(id == found.bankKey)
    }

    @Test("a word on a payout that nobody ordered is kept and holds nothing up", arguments: DatabaseKind.allCases)
    func unknownKey(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let settlement = try await books.store.settle(
            MessageID(), isDone: true, transaction: "B7", isConfirmed: false, at: noon)
        #expect(settlement == .unknown)
        #expect(try await books.store.keepUnexplained("B7", "{}", because: "payout_unknown", at: noon))
        #expect(try await !books.store.keepUnexplained("B7", "{}", because: "payout_unknown", at: noon))
    }

    @Test(
        "a credit told a second time with another amount changes nothing and is noticed",
        arguments: DatabaseKind.allCases)
    func contradictedCredit(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let (_, details) = try await books.order()
        #expect(try await books.book(try books.credit(details, "B1")))
        #expect(try await !books.book(try books.credit(details, "B1", amount: 50_000)))
        #expect(try await books.balance(.bank) == Money(fen: 20_000))
    }

    @Test(
        "paid, then sent back by the receiver's bank: the money is ours again and the bidder names another account",
        arguments: DatabaseKind.allCases)
    func bounced(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let order = try await books.earnedOrder().order
        let refund = RefundID()
        let payout = try await books.payout(order, 20_000, refund: refund)
        try await books.settle(payout.id, isDone: true)
        #expect(try await books.settle(payout.id, isDone: false) == .contradiction)
        #expect(try await books.balance(.bank) == .zero)
        #expect(try await books.settle(payout.id, isDone: false, isConfirmed: true) == .settled)
        #expect(try await books.balance(.bank) == Money(fen: 20_000))
        #expect(try await books.balance(.refundsPayable) == Money(fen: -20_000))
        #expect(try await books.messages().filter { $0 == "event to refund" }.count == 2)
        _ = try await books.payout(order, 20_000, refund: refund)
    }

    @Test(
        "refused, then paid after all: booked; or, if another payout has left by then, in suspense and loud",
        arguments: DatabaseKind.allCases)
    func paidAfterAll(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let first = try await books.payout(try await books.earnedOrder().order, 20_000)
        try await books.settle(first.id, isDone: false)
        #expect(try await books.settle(first.id, isDone: true, isConfirmed: true) == .settled)
        #expect(try await books.balance(.refundsPayable) == .zero)

        let order = try await books.earnedOrder().order
        let refund = RefundID()
        let second = try await books.payout(order, 20_000, refund: refund)
        try await books.settle(second.id, isDone: false)
        let third = try await books.payout(order, 20_000, refund: refund)
        try await books.settle(third.id, isDone: true, as: "B3")
        for _ in 0..<3 {
            #expect(try await books.settle(second.id, isDone: true, isConfirmed: true, as: "B2") == .contradiction)
        }
        #expect(try await books.balance(.suspense) == Money(fen: 20_000))
        #expect(try await books.balance(.bank) == Money(fen: -20_000))
        #expect(try await books.total() == .zero)
    }

    @Test(
        "A9: a return that the sender's bank refuses is tried again under a new key, and then waits for people",
        arguments: DatabaseKind.allCases)
    func refusedReturn(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let (_, details) = try await books.order()
        try await books.book(try books.credit(details, amount: 19_999))
        var keys = Set<MessageID>()
        var now = noon
        for round in 1...4 {
            let payout = try #require(try await books.payouts().last)
            #expect(payout.round == round && payout.state == .sending)
            #expect(keys.insert(payout.bankKey).inserted)
            try await books.settle(payout.id, isDone: false, as: "F\(round)")
            let next = try #require(try await books.payouts().last)
            #expect(next.state == .held && next.hold == .bankRefused)
            now = now + .days(2)
            try await books.store.releaseDue(rules: books.rules, at: now)
        }
        let held = try #require(try await books.store.heldPayouts().first)
        let other = try account("安徽宏远（集团）公司", "6222021000")
        let (one, two) = (EnterpriseID(), EnterpriseID())
        _ = try await books.store.release(held.id, to: other, by: one, at: now, key: Books.key())
        await refused(.secondPersonNeeded) {
            try await books.store.release(held.id, to: other, by: one, at: now, key: Books.key())
        }
        await refused(.invalidField) {
            try await books.store.release(held.id, to: nil, by: two, at: now, key: Books.key())
        }
        let released = try await books.store.release(held.id, to: other, by: two, at: now, key: Books.key())
        #expect(released.state == .sending)
        #expect(try await books.store.payout(held.id)?.account == other)
        try await books.settle(held.id, isDone: true, as: "B9")
        #expect(try await books.balance(.returnsPayable) == .zero)
        #expect(try await books.balance(.bank) == .zero)
    }

    // MARK: People and limits

    struct HoldCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var isRefund = true
        var amount: Int64 = 20_000
        var name = "安徽宏远(集团)公司"
        var sent: Int64 = 0
        let expected: PayoutHold?
    }

    @Test(
        "what leaves by itself and what waits",
        arguments: [
            HoldCase(testDescription: "a usual refund", expected: nil),
            HoldCase(testDescription: "to another name", name: "别的公司", expected: .nameDiffers),
            HoldCase(testDescription: "a return goes to whoever sent it", isRefund: false, name: "别的公司", expected: nil),
            HoldCase(testDescription: "at the limit of one person", amount: 200_000, expected: nil),
            HoldCase(testDescription: "a fen above it", amount: 200_001, expected: .aboveLimit),
            HoldCase(testDescription: "a return above it", isRefund: false, amount: 200_001, expected: .aboveLimit),
            HoldCase(testDescription: "the last of the day", sent: 980_000, expected: nil),
            HoldCase(testDescription: "a fen too much for the day", sent: 980_001, expected: .dailyLimit),
        ])
    func holds(_ row: HoldCase) throws {
        let plan = PayoutPlan(
            isRefund: row.isRefund, amount: Money(fen: row.amount), account: try account(row.name),
            bidder: try account().name,
            rules: PayoutRules(approvalAbove: Money(fen: 200_000), dailyLimit: Money(fen: 1_000_000)),
            sentToday: Money(fen: row.sent))
        #expect(hold(on: plan) == row.expected)
    }

    @Test(
        "above the region's limit two operators release, or one refuses and the bidder names another account",
        arguments: DatabaseKind.allCases)
    func fourEyes(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let rules = PayoutRules(approvalAbove: Money(fen: 10_000), dailyLimit: Money(fen: 1_000_000))
        let released = try await books.payout(try await books.earnedOrder(rules: rules).order, 20_000)
        #expect(released.state == .held && released.hold == .aboveLimit)
        let (one, two) = (EnterpriseID(), EnterpriseID())
        // Many clicks of one person are one word.
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    _ = try? await books.store.release(released.id, to: nil, by: one, at: noon, key: Books.key())
                }
            }
        }
        #expect(try await books.store.heldPayouts().first?.releases == 1)
        #expect(try await books.messages().filter { $0 == "payout" }.isEmpty)
        _ = try await books.store.release(released.id, to: nil, by: two, at: noon, key: Books.key())
        #expect(try await books.messages().filter { $0 == "payout" }.count == 1)
        await refused(.wrongState) {
            try await books.store.release(released.id, to: nil, by: EnterpriseID(), at: noon, key: Books.key())
        }

        let order = try await books.earnedOrder(rules: rules).order
        let refund = RefundID()
        let refusedOne = try await books.payout(order, 20_000, refund: refund)
        #expect(try await books.store.refuse(refusedOne.id, at: noon, key: Books.key()).state == .failed)
        #expect(try await books.messages().last == "event to refund")
        #expect(try await books.payout(order, 20_000, refund: refund).state == .held)
    }

    @Test(
        "the day's limit holds what is above it, however many ask at once, and lets it go the next day",
        arguments: DatabaseKind.allCases)
    func dailyLimit(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let rules = PayoutRules(approvalAbove: Money(fen: 100_000), dailyLimit: Money(fen: 100_000))
        var orders: [OrderID] = []
        for _ in 0..<12 { orders.append(try await books.earnedOrder(rules: rules).order) }
        let states = try await withThrowingTaskGroup(of: PayoutState.self) { group in
            for order in orders { group.addTask { try await books.payout(order, 20_000).state } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(states.filter { $0 == .sending }.count == 5)
        try await books.store.releaseDue(rules: rules, at: noon + .minutes(1))
        #expect(try await books.store.heldPayouts().count == 7)
        try await books.store.releaseDue(rules: rules, at: noon + .days(1))
        #expect(try await books.store.heldPayouts().count == 2)
    }

    @Test("the switch stops all money", arguments: DatabaseKind.allCases)
    func paused(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        #expect(try await !books.store.arePayoutsPaused())
        try await books.store.pausePayouts(true, by: EnterpriseID(), at: noon)
        #expect(try await books.store.arePayoutsPaused())
        try await books.store.pausePayouts(false, by: EnterpriseID(), at: noon)
        #expect(try await !books.store.arePayoutsPaused())
    }
}
