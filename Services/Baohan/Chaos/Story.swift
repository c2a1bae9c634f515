import Contracts
import Cryptography
import Foundation
import ServiceRuntime

/// What one bidder sets out to do with one lot.
enum Plot: String, CaseIterable, Sendable {
    case keep, keepAndInvoice, payTwice, payWrongSum, payFromOtherAccount, strangerPays, payLate, neverPay, cancel
    case giveBack, giveBackTwiceAtOnce, giveBackToOtherAccount, giveBackWhileOpening, giveBackAfterMove
    case bankRefusesRefund, bankAnswerIsLost, insurerAnswerIsLost, insurerRefusesIssue, insurerRefusesSurrender,
        rulesRefuse
}

/// One bidder's story: does what a persistent clerk does. What is not answered is asked again, under the same key where
/// there is one; what is refused makes it look where things stand and go on from there.
actor Story {
    /// It could not be brought to an end that makes sense.
    struct Stuck: Error, CustomStringConvertible {
        let description: String
    }

    private static let patience = Duration.seconds(120)
    /// Milliseconds between two looks.
    private let pace: ClosedRange<Int>

    let number: Int
    let plot: Plot
    let lot: ChaosLot
    let bidder: SampleBidder
    private let world: World
    private let portal: ChaosClients
    private let certificate: Certificate
    private let key: PrivateKey
    private let history: History
    private var session: Session?
    private var chance: Chance
    private var hasArrived = false
    private(set) var order: OrderID?

    init(
        _ number: Int, _ plot: Plot, _ lot: ChaosLot, _ world: World, _ portal: ChaosClients, _ history: History,
        _ chance: Chance, pace: ClosedRange<Int> = 60...250
    ) throws {
        self.number = number
        self.plot = plot
        self.lot = lot
        self.world = world
        self.portal = portal.from(address: "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)")
        self.history = history
        self.chance = chance
        self.pace = pace
        bidder = try Self.bidder(number)
        key = try PrivateKey.p256()
        certificate = try world.deployment.pki.caLock(
            name: bidder.registered.name, creditCode: bidder.registered.creditCode, key: key)
    }

    private static func bidder(_ number: Int) throws -> SampleBidder {
        let digits = String(100_000_000 + number)
        let name = try Words("第\(number)号建设有限公司")
        return SampleBidder(
            certificate: "", hasRSAKey: false,
            registered: RegisteredEnterprise(
                creditCode: try UnifiedSocialCreditCode(completing: "91341800" + digits), name: name,
                address: try Words("宣城市宣州区"), legalPerson: try Words("张三"),
                basicAccount: AccountReference(
                    name: name, number: try AccountNumber("1317\(digits)"), bank: try Words("工商银行宣城分行"), branch: nil)),
            handler: Handler(
                name: try Words("李四"), citizenID: try CitizenID("11010519491231002X"),
                mobile: try MobileNumber("139" + digits.suffix(8)), email: try Words("li@example.com")))
    }

    /// At the lot, once.
    private func arrive() async {
        guard !hasArrived else { return }
        hasArrived = true
        await lot.arrived()
    }

    private func note(_ text: String) { history.note(text, story: number) }

    // MARK: Persistence

    /// Asks until there is an answer or a refusal. The key stays the same.
    private func persist<Value: Sendable>(
        _ what: String, _ call: (String) async throws -> Value
    ) async throws -> Value {
        let key = MessageID().text
        let end = ContinuousClock.now + Self.patience
        while true {
            do {
                return try await call(key)
            } catch let problem as Problem {
                let code = problem.code
                let isPassing =
                    code.status >= 500
                    || [.tooManyAttempts, .smsTooSoon, .documentNotReady, .signatureInvalid, .lotUnknown].contains(code)
                let isSession = [.sessionExpired, .sessionInvalid, .sessionRevoked, .sessionMissing].contains(code)
                guard isPassing || isSession else {
                    note("\(what): \(code.rawValue)")
                    throw problem
                }
                guard ContinuousClock.now < end else {
                    throw Stuck(description: "\(what): \(code.rawValue) \(problem.detail ?? "") for too long")
                }
                if isSession { session = nil }
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...400, using: &chance)))
            }
        }
    }

    private func loggedIn() async throws -> Session {
        if let session { return session }
        let new = try await persist("login") { _ in
            let challenge = try await portal.auth.call(.startChallenge)
            return try await portal.auth.call(
                .answerChallenge, challenge.id,
                ChallengeAnswer(
                    certificates: String(decoding: certificate.pem(), as: UTF8.self),
                    signature: Base64.standard.encode(
                        try key.sign(Array(challenge.text.utf8), by: key.usualAlgorithm))))
        }
        session = new
        return new
    }

    private func orders<Value: Sendable>(
        _ what: String, _ call: (Client<OrderAPI>, String) async throws -> Value
    ) async throws -> Value {
        try await persist(what) { key in try await call(portal.orders.on(behalfOf: try await loggedIn()), key) }
    }

    private func auth<Value: Sendable>(
        _ what: String, _ call: (Client<AuthAPI>, String) async throws -> Value
    ) async throws -> Value {
        try await persist(what) { key in try await call(portal.auth.on(behalfOf: try await loggedIn()), key) }
    }

    private func refunds<Value: Sendable>(
        _ what: String, _ call: (Client<RefundAPI>, String) async throws -> Value
    ) async throws -> Value {
        try await persist(what) { key in try await call(portal.refunds.on(behalfOf: try await loggedIn()), key) }
    }

    /// Waits for what must come.
    private func until<Value>(_ what: String, _ ask: () async throws -> Value?) async throws -> Value {
        let end = ContinuousClock.now + Self.patience
        while true {
            if let value = try await ask() { return value }
            guard ContinuousClock.now < end else { throw Stuck(description: "waited in vain: \(what)") }
            try await Task.sleep(for: .milliseconds(Int.random(in: pace, using: &chance)))
        }
    }

    private func look(_ id: OrderID) async throws -> OrderDetails {
        try await orders("look") { client, _ in try await client.call(.order, id) }
    }

    // MARK: The story

    func tell() async throws {
        note("\(plot.rawValue) on lot \(lot.number)")
        do {
            try await begin()
        } catch {
            await arrive()
            throw error
        }
        await arrive()
    }

    /// Who is logged in and may apply takes a guarantee out: from the draft to the sealed policy.
    ///
    /// - Returns: how long that took.
    func takeOut() async throws -> Duration {
        let start = ContinuousClock.now
        guard let id = try await create(), try await apply(id), let instruction = try await instruction(id) else {
            throw Stuck(description: "refused")
        }
        try await pay(instruction)
        _ = try await until("a policy") { () async throws -> OrderDetails? in
            let order = try await look(id)
            return order.policy == .sealed ? order : nil
        }
        return ContinuousClock.now - start
    }

    /// Logs in and brings the enterprise's data (A1, A3).
    func prepare() async throws {
        try await world.sandbox.persistently(.registerEnterprise, bidder.registered)
        try await saveEnterprise()
    }

    private func begin() async throws {
        try await prepare()
        guard let id = try await create() else { return }
        order = id
        note("order \(id)")
        guard try await apply(id) else { return }
        if plot == .neverPay {
            await arrive()
            return try await settle(id)
        }
        guard let instruction = try await instruction(id) else {
            await arrive()
            return try await settle(id)
        }
        if plot == .insurerRefusesIssue || plot == .insurerAnswerIsLost {
            try await world.sandbox.persistently(
                .addFault,
                Fault(
                    operation: "insurer.issue", kind: plot == .insurerRefusesIssue ? .refuse : .loseReply, times: 1,
                    subject: id.text))
        }
        if plot == .payLate {
            await arrive()
            await lot.moved()
        }
        try await pay(instruction)
        if plot == .payLate { return try await settle(id) }
        let paid = try await until("a policy or the money back") { () -> OrderDetails? in
            let order = try await look(id)
            return [.none, .issuing].contains(order.policy) && order.application.isLive && order.payment != .failed
                ? nil : order
        }
        note("policy \(paid.policy.rawValue), payment \(paid.payment.rawValue)")
        try await giveBackBeforeMove(id)
        await arrive()
        if plot == .giveBackWhileOpening { _ = try await giveBack(id) }
        await lot.moved()
        if plot == .giveBackAfterMove { _ = try await giveBack(id) }
        try await settle(id)
    }

    private func saveEnterprise() async throws {
        while true {
            do {
                let profile = try await auth("synchronise") { client, _ in
                    try await client.call(.synchroniseEnterprise)
                }
                if profile.isSaved { return }
                let contact = ContactDetails(email: try Words("bids@example.com"), phone: try Words("0563-3012345"))
                _ = try await auth("save") { client, _ in
                    try await client.call(.saveEnterprise, SaveEnterprise(contact: contact, version: profile.version))
                }
                return
            } catch let problem as Problem where problem.code == .versionConflict {
                // A save whose answer was lost.
                let profile = try await auth("profile") { client, _ in try await client.call(.enterprise) }
                if profile.isSaved { return }
            }
        }
    }

    private func create() async throws -> OrderID? {
        do {
            return try await orders("create") { client, key in
                try await client.call(.createOrder, CreateOrder(lot: lot.id, provider: "gongbao"), key: key)
            }.id
        } catch let problem as Problem where problem.code == .lotClosed {
            return nil
        }
    }

    /// - Returns: whether it was approved.
    private func apply(_ id: OrderID) async throws -> Bool {
        var refusals = 0
        while true {
            let order = try await look(id)
            do {
                switch order.application {
                case .draft where order.handler == nil:
                    _ = try await orders("draft") { client, _ in
                        try await client.call(
                            .saveDraft, id, SaveDraft(version: order.version, handler: bidder.handler, provider: nil))
                    }
                case .draft:
                    _ = try await orders("submit") { client, key in
                        try await client.call(
                            .submitApplication, id, AtVersion(version: order.version), key: key)
                    }
                case .ready:
                    if plot == .cancel {
                        _ = try await orders("cancel") { client, _ in try await client.call(.cancelOrder, id) }
                        return false
                    }
                    try await insure(order)
                case .submitted, .assigned, .reviewing, .informationWanted:
                    try await Task.sleep(for: .milliseconds(Int.random(in: pace, using: &chance)))
                case .approved, .issued: return true
                case .rejected, .cancelled, .expired: return false
                }
            } catch let problem as Problem {
                refusals += 1
                guard refusals < 25 else { throw Stuck(description: "apply: \(problem.code.rawValue)") }
                if [.lotClosed, .quoteExpired].contains(problem.code) { return false }
            }
        }
    }

    private func insure(_ order: OrderDetails) async throws {
        if plot == .rulesRefuse {
            try await world.sandbox.persistently(
                .addFault, Fault(operation: "insurer.underwrite", kind: .refuse, times: 1, subject: order.id.text))
        }
        let notice = try await auth("notice") { client, _ in try await client.call(.notice) }
        let consent = try await auth("consent") { client, key in
            try await client.call(.giveConsent, GiveConsent(version: notice.version, hash: notice.hash), key: key)
        }
        let (smsCode, code) = try await verifiedCode()
        _ = try await orders("insure") { client, key in
            try await client.call(
                .insure, order.id,
                Insure(version: order.version, consent: consent.id, smsCode: smsCode.id, code: code), key: key)
        }
    }

    private func verifiedCode() async throws -> (SMSCode, String) {
        let seen = try await world.sandbox.persistently(.messages, PhoneQuery(mobile: bidder.handler.mobile)).count
        let smsCode = try await until("a code") { () async throws -> SMSCode? in
            let captcha = try await auth("captcha") { client, _ in
                try await client.call(.createCaptcha, AskCaptcha(form: .picture))
            }
            do {
                return try await auth("sms code") { client, key in
                    try await client.call(
                        .askSMSCode,
                        AskSMSCode(
                            mobile: bidder.handler.mobile, captcha: captcha.id,
                            captchaAnswer: captcha.sandboxAnswer ?? ""), key: key)
                }
            } catch let problem as Problem where problem.code == .captchaWrong {
                return nil
            }
        }
        let code = try await until("the SMS") { () async throws -> String? in
            let texts = try await world.sandbox.persistently(.messages, PhoneQuery(mobile: bidder.handler.mobile))
            guard texts.count > seen, let text = texts.last(where: { $0.text.contains("验证码") }) else { return nil }
            return text.text.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).first { $0.count == 6 }
                .map(String.init)
        }
        return (smsCode, code)
    }

    // MARK: Paying

    private func instruction(_ id: OrderID) async throws -> PaymentInstruction? {
        do {
            return try await orders("pay") { client, key in try await client.call(.pay, id, key: key) }
        } catch let problem as Problem
            where [.lotClosed, .quoteExpired, .wrongState, .versionConflict].contains(problem.code)
        {
            return nil
        }
    }

    private func pay(_ instruction: PaymentInstruction) async throws {
        let own = bidder.registered.basicAccount
        let other = AccountReference(
            name: own.name, number: try AccountNumber("6228\(100_000_000 + number)"), bank: own.bank, branch: nil)
        let stranger = AccountReference(
            name: try Words("别人有限公司"), number: try AccountNumber("6229\(100_000_000 + number)"), bank: own.bank,
            branch: nil)
        switch plot {
        case .payWrongSum:
            try await transfer(instruction, own, instruction.amount - Money(fen: 1))
            try await transfer(instruction, own, instruction.amount + Money(fen: 1))
        case .payFromOtherAccount: try await transfer(instruction, other, instruction.amount)
        case .strangerPays: try await transfer(instruction, stranger, instruction.amount)
        default: break
        }
        try await transfer(instruction, own, instruction.amount)
        if plot == .payTwice { try await transfer(instruction, own, instruction.amount) }
    }

    /// Each is one transfer: a bank does not forget what it was told.
    private func transfer(_ instruction: PaymentInstruction, _ from: AccountReference, _ amount: Money) async throws {
        note("transfers \(amount) from \(from.number.text.prefix(4))…")
        try await world.sandbox.persistently(
            .transfer,
            BankTransfer(
                from: from, isBasicAccount: from == bidder.registered.basicAccount, reference: instruction.reference,
                amount: amount))
    }

    // MARK: Giving back

    private func giveBackBeforeMove(_ id: OrderID) async throws {
        switch plot {
        case .giveBack, .giveBackToOtherAccount, .bankRefusesRefund, .bankAnswerIsLost, .insurerRefusesSurrender:
            _ = try await giveBack(id)
        case .giveBackTwiceAtOnce:
            async let one = giveBack(id)
            async let other = giveBack(id)
            _ = try await (one, other)
        default: break
        }
    }

    /// - Returns: whether it was allowed.
    private func giveBack(_ id: OrderID) async throws -> Bool {
        let refund: RefundDetails
        do {
            refund = try await refunds("refund") { client, key in
                try await client.call(.requestRefund, RequestRefund(order: id, reason: .withdrawn), key: key)
            }
        } catch is Problem {
            return false
        }
        note("refund \(refund.id) \(refund.state.rawValue)")
        if plot == .insurerRefusesSurrender {
            try await world.sandbox.persistently(
                .addFault, Fault(operation: "insurer.surrender", kind: .refuse, times: 1, subject: refund.id.text))
        }
        if plot == .bankRefusesRefund || plot == .bankAnswerIsLost {
            try await world.sandbox.persistently(
                .addFault,
                Fault(
                    operation: "bank.payout", kind: plot == .bankRefusesRefund ? .refuse : .loseReply, times: 1,
                    subject: bidder.registered.basicAccount.number.text))
        }
        var isOtherAccount = plot == .giveBackToOtherAccount
        _ = try await until("the refund's end") { () async throws -> RefundDetails? in
            let now = try await refunds("look at refund") { client, _ in try await client.call(.refund, refund.id) }
            switch now.state {
            case .done, .rejected: return now
            case .accountPending, .payoutFailed:
                if now.state == .payoutFailed { isOtherAccount = true }
                let own = bidder.registered.basicAccount
                let account =
                    isOtherAccount
                    ? AccountReference(
                        name: own.name,
                        number: try AccountNumber("6230\(Int.random(in: 10_000_000...99_999_999, using: &chance))"),
                        bank: own.bank, branch: nil) : nil
                do {
                    _ = try await refunds("account") { client, _ in
                        try await client.call(.fillAccount, refund.id, FillRefundAccount(account: account))
                    }
                } catch is Problem {}
                return nil
            case .applied, .reviewing, .approved, .sending: return nil
            }
        }
        return true
    }

    // MARK: The end

    /// Waits until nothing about the order is under way any more.
    private func settle(_ id: OrderID) async throws {
        if plot == .payLate || plot == .neverPay { await lot.moved() }
        let move = lot.move
        // A suspended tender may be resumed: who has not paid waits on.
        if plot == .neverPay, move == .suspend { return }
        let end = try await until("the order's end") { () -> OrderDetails? in
            let order = try await look(id)
            switch order.policy {
            case .open, .surrendered, .expired, .released, .claimed: return order
            case .issueFailed: return order.payment == .refunded ? order : nil
            case .none: return order.application.isLive && order.payment != .failed ? nil : order
            case .sealed: return move == .openBids ? nil : order
            case .issuing, .opening, .surrendering: return nil
            }
        }
        note("ends \(end.application.rawValue) \(end.payment.rawValue) \(end.policy.rawValue)")
        // By now it is certain to be open, and nobody gets anything back for it (R3).
        if plot == .giveBackAfterMove, end.policy == .open, try await giveBack(id) {
            throw Stuck(description: "given back after the opening")
        }
        if plot == .keepAndInvoice, end.policy == .open {
            do {
                try await invoice(id)
            } catch let problem as Problem {
                throw Stuck(description: "invoice: \(problem.code.rawValue)")
            }
        }
    }

    private func invoice(_ id: OrderID) async throws {
        let buyer = InvoiceBuyer(
            title: bidder.registered.name, taxNumber: bidder.registered.creditCode, address: nil, phone: nil, bank: nil,
            account: nil, email: try Words("finance@example.com"))
        func client() async throws -> Client<InvoiceAPI> { portal.invoices.on(behalfOf: try await loggedIn()) }
        let asked: InvoiceDetails
        do {
            asked = try await persist("invoice") { key in
                try await client().call(
                    .requestInvoice, RequestInvoice(order: id, form: .electronicOrdinary, buyer: buyer, recipient: nil),
                    key: key)
            }
        } catch let problem as Problem where problem.code == .invoiceExists {
            return
        }
        _ = try await until("the invoice") { () -> InvoiceDetails? in
            let now = try await persist("look at invoice") { _ in try await client().call(.invoice, asked.id) }
            return now.state == .issuing ? nil : now
        }
    }
}
