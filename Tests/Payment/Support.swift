import Contracts
import DevelopmentDatabase
import Persistence
import Testing

@testable import Payment

let noon = Instant(milliseconds: 1_800_000_000_000)

func account(_ name: String = "安徽宏远（集团）公司", _ number: String = "1317090009300012345") throws -> AccountReference {
    AccountReference(name: try Words(name), number: try AccountNumber(number), bank: try Words("工商银行"), branch: nil)
}

/// A payment service's books on one engine, with nobody else around.
struct Books {
    let store: Store
    let scratch: ScratchDatabase
    var rules = PayoutRules(approvalAbove: Money(fen: 500_000), dailyLimit: Money(fen: 100_000_000))

    init(_ kind: DatabaseKind) async throws { try await self.init(at: ScratchDatabase(kind)) }

    init(at scratch: ScratchDatabase) async throws {
        self.scratch = scratch
        store = Store(database: try await Database(scratch.address, migrations: paymentMigrations))
    }

    static func key() -> IdempotencyKey { IdempotencyKey(text: MessageID().text, fingerprint: "") }

    // MARK: Money in

    func order(
        _ amount: Int64 = 20_000, rules: PayoutRules? = nil
    ) async throws -> (request: CreatePaymentOrder, details: PaymentOrderDetails) {
        let request = CreatePaymentOrder(
            order: OrderID(), enterprise: EnterpriseID(), payerName: try account().name, basicAccount: try account(),
            requiresBasicAccount: true, amount: Money(fen: amount), expiresAt: noon + .hours(1), region: "341800",
            payouts: rules)
        return (request, try await store.create(request, payTo: try account(), at: noon, key: Self.key()))
    }

    func credit(
        _ order: PaymentOrderDetails, _ transaction: String = "B" + MessageID().text, amount: Int64? = nil,
        from payer: AccountReference? = nil
    ) throws -> Credit {
        Credit(
            transaction: transaction, amount: amount.map { Money(fen: $0) } ?? order.instruction.amount,
            reference: order.instruction.reference, payer: try payer ?? account(), isBasicAccount: true, at: noon)
    }

    @discardableResult
    func book(_ credit: Credit) async throws -> Bool { try await store.book(credit, rules: rules, at: noon) }

    /// An order that is paid, and whose policy is issued.
    func earnedOrder(_ amount: Int64 = 20_000, rules: PayoutRules? = nil) async throws -> CreatePaymentOrder {
        let (request, details) = try await order(amount, rules: rules)
        try await book(try credit(details))
        try await store.earn(issued(request), message: MessageID(), at: noon)
        return request
    }

    func issued(_ order: CreatePaymentOrder) -> PolicyIssued {
        PolicyIssued(
            order: order.order, policyNumber: "PTB1", insurer: "huian", provider: "gongbao", premium: order.amount,
            commission: order.amount.share(120_000, of: 1_000_000), vatPercent: 6)
    }

    // MARK: Money out

    func payout(
        _ order: OrderID, _ amount: Int64, refund: RefundID = RefundID(), to receiver: AccountReference? = nil,
        key: IdempotencyKey = Books.key(), at now: Instant = noon
    ) async throws -> PayoutDetails {
        try await store.refund(
            CreatePayout(
                refund: refund, order: order, amount: Money(fen: amount), account: try receiver ?? account()),
            rules: rules, at: now, key: key)
    }

    /// The bank's word.
    @discardableResult
    func settle(_ payout: PayoutID, isDone: Bool, isConfirmed: Bool = false, as transaction: String = "B1")
        async throws -> Store.Reception
    {
        let stored = try #require(try await store.payout(payout))
        return try await store.settle(
            stored.bankKey, isDone: isDone, transaction: transaction, isConfirmed: isConfirmed, at: noon)
    }

    // MARK: Looking

    func balance(_ account: LedgerAccount) async throws -> Money {
        try await store.trialBalance().first { $0.account == account.code }?.balance ?? .zero
    }

    func total() async throws -> Money { try await store.trialBalance().reduce(.zero) { $0 + $1.balance } }

    /// Kinds of the messages that wait, oldest first.
    func messages() async throws -> [String] {
        try await store.database.read {
            try $0.rows("SELECT kind FROM outbox ORDER BY position").map { try $0["kind"] }
        }
    }

    /// All payouts, oldest first.
    func payouts() async throws -> [Payout] {
        var found: [Payout] = []
        let ids: [PayoutID] = try await store.database.read {
            try $0.rows("SELECT id FROM payout ORDER BY created_at, round").map { try $0["id"] }
        }
        for id in ids { found.append(try #require(try await store.payout(id))) }
        return found
    }
}

/// Expects a refusal with a code.
func refused<Value>(_ code: ProblemCode, _ call: () async throws -> Value) async {
    do {
        _ = try await call()
        Issue.record("was not refused")
    } catch let problem as Problem {
        #expect(problem.code == code, "\(problem)")
    } catch {
        Issue.record("\(error)")
    }
}
