import Contracts
import Cryptography
import Foundation
import ServiceRuntime

/// A bidder's clerk at work: does by API what the manual says to click.
struct Agent: Sendable {
    let world: World
    let sample: SampleBidder
    let session: Session

    private var orders: Client<OrderAPI> { world.orders.on(behalfOf: session) }
    private var refunds: Client<RefundAPI> { world.refunds.on(behalfOf: session) }
    private var invoices: Client<InvoiceAPI> { world.invoices.on(behalfOf: session) }
    private var auth: Client<AuthAPI> { world.auth.on(behalfOf: session) }

    /// A new idempotency key, as a page makes one per form.
    static func key() -> String { MessageID().text }

    // MARK: Login (A1, A2)

    /// Mutual TLS with the certificate of the CA lock (A1).
    static func logIn(_ sample: SampleBidder, in world: World) async throws -> Agent {
        Agent(world: world, sample: sample, session: try await logIn(with: sample.certificate, in: world))
    }

    /// - Parameter certificate: its name in the development PKI.
    static func logIn(with certificate: String, in world: World) async throws -> Session {
        let client = try world.deployment.loginClient(with: certificate)
        defer { client.shutDown() }
        return try await client.call(.logIn)
    }

    /// A signed challenge, as a vendor's middleware does it (A1).
    static func logInByChallenge(_ sample: SampleBidder, in world: World) async throws -> Agent {
        let challenge = try await world.auth.call(.startChallenge)
        return Agent(
            world: world, sample: sample, session: try await answer(challenge, with: sample.certificate, in: world))
    }

    static func answer(_ challenge: LoginChallenge, with certificate: String, in world: World) async throws -> Session {
        let pki = world.deployment.pki
        let key = try PrivateKey(pem: pki.read("\(certificate).key"))
        let answer = ChallengeAnswer(
            certificates: String(decoding: try pki.read("\(certificate).pem"), as: UTF8.self),
            signature: Base64.standard.encode(try key.sign(Array(challenge.text.utf8), by: key.usualAlgorithm)))
        return try await world.auth.call(.answerChallenge, challenge.id, answer)
    }

    /// The same with a CMS message that brings the certificate and the text.
    static func answerByMessage(
        _ challenge: LoginChallenge, with certificate: String, in world: World
    ) async throws -> Session {
        let pki = world.deployment.pki
        let message = try SignedMessage.sign(
            Array(challenge.text.utf8), chain: Certificate.chain(pem: pki.read("\(certificate).pem")),
            key: PrivateKey(pem: pki.read("\(certificate).key")), isAttached: true)
        return try await world.auth.call(
            .answerChallenge, challenge.id, ChallengeAnswer(form: .cms, signature: Base64.standard.encode(message)))
    }

    /// The trading platform hands the bidder over with the lot chosen (A2).
    static func handOff(_ sample: SampleBidder, to lot: LotID, certificate: String? = nil, in world: World) async throws
        -> (
            agent: Agent, ticket: HandOff
        )
    {
        let ticket = try await world.sandbox.call(
            .makeTicket,
            MakeTicket(
                creditCode: sample.registered.creditCode, name: sample.registered.name, lot: lot,
                certificate: certificate))
        let session = try await world.auth.call(.handOff, ticket)
        return (Agent(world: world, sample: sample, session: session), ticket)
    }

    /// Somebody who may look at lots.
    static func observer(of world: World) async throws -> Client<OrderAPI> {
        let first = try SampleBidder.all()[0]
        return world.orders.on(behalfOf: try await logIn(with: first.certificate, in: world))
    }

    // MARK: Enterprise (A3)

    func synchronise() async throws -> EnterpriseProfile { try await auth.call(.synchroniseEnterprise) }

    func save(_ profile: EnterpriseProfile) async throws -> EnterpriseProfile {
        let contact = ContactDetails(email: try Words("bids@example.com"), phone: try Words("0563-3012345"))
        return try await auth.call(.saveEnterprise, SaveEnterprise(contact: contact, version: profile.version))
    }

    /// Registered with the trading centre, synchronised and saved.
    func prepare() async throws {
        try await world.sandbox.call(.registerEnterprise, sample.registered)
        _ = try await save(try await synchronise())
    }

    // MARK: Application (A4 to A8)

    func openLots(_ text: String) async throws -> Page<LotDetails> {
        try await orders.call(.lots, LotQuery(text: text, cursor: nil, limit: nil))
    }

    func providers() async throws -> [ProviderDetails] { try await orders.call(.providers) }

    func order(for lot: LotID, provider: String = "gongbao") async throws -> OrderDetails {
        try await orders.call(.createOrder, CreateOrder(lot: lot, provider: provider), key: Self.key())
    }

    func order(_ id: OrderID) async throws -> OrderDetails { try await orders.call(.order, id) }

    func saveDraft(_ order: OrderDetails) async throws -> OrderDetails {
        try await orders.call(
            .saveDraft, order.id, SaveDraft(version: order.version, handler: sample.handler, provider: nil))
    }

    func summary(_ id: OrderID) async throws -> ApplicationSummary { try await orders.call(.summary, id) }

    func submit(_ order: OrderDetails) async throws -> OrderDetails {
        try await orders.call(.submitApplication, order.id, AtVersion(version: order.version), key: Self.key())
    }

    func consent() async throws -> Consent {
        let notice = try await auth.call(.notice)
        return try await auth.call(
            .giveConsent, GiveConsent(version: notice.version, hash: notice.hash), key: Self.key())
    }

    func captcha(_ form: AskCaptcha.Form = .picture) async throws -> Captcha {
        try await auth.call(.createCaptcha, AskCaptcha(form: form))
    }

    func askCode(_ captcha: Captcha, answer: String) async throws -> SMSCode {
        try await auth.call(
            .askSMSCode, AskSMSCode(mobile: sample.handler.mobile, captcha: captcha.id, captchaAnswer: answer),
            key: Self.key())
    }

    /// The six digits of the newest code on the handler's telephone.
    func readCode(after seen: Int) async throws -> String {
        try await eventually("the SMS with the code") {
            let texts = try await world.messages(to: sample.handler.mobile)
            guard texts.count > seen, let text = texts.last(where: { $0.contains("验证码") }) else { return nil }
            return text.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).first { $0.count == 6 }.map(String.init)
        }
    }

    /// Captcha and SMS code, with the pause that the platform wants between two codes.
    func verifiedCode() async throws -> (SMSCode, String) {
        let captcha = try await captcha()
        guard let answer = captcha.sandboxAnswer else {
            throw Problem(.captchaWrong, "only a sandbox tells the answer")
        }
        let seen = try await world.messages(to: sample.handler.mobile).count
        do {
            let code = try await askCode(captcha, answer: answer)
            return (code, try await readCode(after: seen))
        } catch let problem as Problem where problem.code == .smsTooSoon {
            try await world.advance(by: .seconds(61))
            return try await verifiedCode()
        }
    }

    /// 立即投保 (A7).
    func insure(_ order: OrderDetails) async throws -> OrderDetails {
        let consent = try await consent()
        let (smsCode, code) = try await verifiedCode()
        return try await orders.call(
            .insure, order.id, Insure(version: order.version, consent: consent.id, smsCode: smsCode.id, code: code),
            key: Self.key())
    }

    /// From an open lot to 立即投保, with nothing to look at on the way.
    func apply(for lot: LotID) async throws -> OrderDetails {
        try await insure(try await submit(try await saveDraft(try await order(for: lot))))
    }

    func draw(_ id: OrderID) async throws -> DrawRecord { try await orders.call(.draw, id) }

    func giveInformation(_ id: OrderID, _ answer: String) async throws -> OrderDetails {
        try await orders.call(.giveInformation, id, GiveInformation(answer: try Words(answer)), key: Self.key())
    }

    /// Waits until the order is as `isReached` says.
    @discardableResult
    func wait(_ id: OrderID, _ what: String, until isReached: (OrderDetails) -> Bool) async throws -> OrderDetails {
        try await eventually("order \(what)") {
            let order = try await order(id)
            return isReached(order) ? order : nil
        }
    }

    // MARK: Payment and policy (A9 to A12)

    func pay(_ id: OrderID) async throws -> PaymentInstruction { try await orders.call(.pay, id, key: Self.key()) }

    /// A transfer at the bidder's bank, from its basic account unless another one is named.
    @discardableResult
    func transfer(
        _ instruction: PaymentInstruction, from account: AccountReference? = nil, amount: Money? = nil
    ) async throws -> BankMovement {
        try await world.sandbox.call(
            .transfer,
            BankTransfer(
                from: account ?? sample.registered.basicAccount, isBasicAccount: account == nil,
                reference: instruction.reference, amount: amount ?? instruction.amount))
    }

    /// An account of the bidder that is not its basic one.
    func otherAccount() throws -> AccountReference {
        AccountReference(
            name: sample.registered.name, number: try AccountNumber("6228480059900011223"),
            bank: try Words("中国农业银行宣城分行"),
            branch: nil)
    }

    /// An order that is paid for and has its sealed policy.
    func paidOrder(for lot: LotID) async throws -> OrderDetails {
        let applied = try await apply(for: lot)
        try await wait(applied.id, "approved") { $0.application == .approved }
        try await transfer(try await pay(applied.id))
        return try await wait(applied.id, "sealed") { $0.policy == .sealed }
    }

    func policy(_ id: OrderID) async throws -> PolicyDetails { try await orders.call(.policy, id) }
    func policyFile(_ id: OrderID) async throws -> File { try await orders.call(.policyFile, id) }
    func policySignature(_ id: OrderID) async throws -> File { try await orders.call(.policySignature, id) }

    // MARK: Refund (R1 to R6)

    func requestRefund(_ id: OrderID, _ reason: SurrenderReason) async throws -> RefundDetails {
        try await refunds.call(.requestRefund, RequestRefund(order: id, reason: reason), key: Self.key())
    }

    func fillAccount(_ id: RefundID, _ account: AccountReference? = nil) async throws -> RefundDetails {
        try await refunds.call(.fillAccount, id, FillRefundAccount(account: account))
    }

    @discardableResult
    func wait(_ id: RefundID, until state: RefundState) async throws -> RefundDetails {
        try await eventually("refund \(state)") {
            let refund = try await refunds.call(.refund, id)
            return refund.state == state ? refund : nil
        }
    }

    // MARK: Invoice (I1 to I4)

    func requestInvoice(_ id: OrderID, _ form: InvoiceForm, isComplete: Bool = true) async throws -> InvoiceDetails {
        let account = sample.registered.basicAccount
        let needsAll = form.isSpecial && isComplete
        let buyer = InvoiceBuyer(
            title: sample.registered.name, taxNumber: sample.registered.creditCode,
            address: needsAll ? sample.registered.address : nil, phone: needsAll ? try Words("0563-3012345") : nil,
            bank: needsAll ? account.bank : nil, account: needsAll ? account.number : nil,
            email: form.isPaper ? nil : try Words("finance@example.com"))
        let recipient = Recipient(
            name: sample.handler.name, mobile: sample.handler.mobile, address: try Words("安徽省宣城市宣州区锦城路 18 号"),
            postcode: try Words("242000"))
        return try await invoices.call(
            .requestInvoice,
            RequestInvoice(order: id, form: form, buyer: buyer, recipient: form.isPaper ? recipient : nil),
            key: Self.key())
    }

    @discardableResult
    func wait(_ id: InvoiceID, until state: InvoiceState) async throws -> InvoiceDetails {
        try await eventually("invoice \(state)") {
            let invoice = try await invoices.call(.invoice, id)
            return invoice.state == state ? invoice : nil
        }
    }

    func invoiceFile(_ id: InvoiceID) async throws -> File {
        try await eventually("the invoice's file") {
            do {
                return try await invoices.call(.invoiceFile, id)
            } catch let problem as Problem where problem.code == .documentNotReady {
                return nil
            }
        }
    }

    func invoiceSignature(_ id: InvoiceID) async throws -> File { try await invoices.call(.invoiceSignature, id) }
}
