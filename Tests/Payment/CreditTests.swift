import Contracts
import DevelopmentDatabase
import Persistence
import Testing

@testable import Payment

private let noon = Instant(milliseconds: 1_800_000_000_000)

private func account(_ name: String = "安徽宏远（集团）公司", _ number: String = "1317090009300012345") throws -> AccountReference
{
    AccountReference(name: try Words(name), number: try AccountNumber(number), bank: try Words("工商银行"), branch: nil)
}

@Suite("Incoming money")
struct CreditTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var state = PaymentState.awaiting
        var requiresBasicAccount = true
        var amount: Int64 = 20_000
        var name = "安徽宏远(集团)公司"
        var number = "1317090009300012345"
        var isBasicAccount = true
        var at: Int64 = 0
        let expected: CreditDecision
    }

    static let cases = [
        Case(testDescription: "right, with the other brackets", expected: .apply),
        Case(testDescription: "in the last millisecond", at: 3_600_000, expected: .apply),
        Case(testDescription: "a millisecond late", at: 3_600_001, expected: .sendBack(.tooLate)),
        Case(testDescription: "after it was given up", state: .failed, expected: .sendBack(.tooLate)),
        Case(testDescription: "a second time", state: .paid, expected: .sendBack(.alreadyPaid)),
        Case(testDescription: "after the refund", state: .refunded, expected: .sendBack(.alreadyPaid)),
        Case(testDescription: "another company", name: "别的公司", expected: .sendBack(.otherPayer)),
        Case(testDescription: "another account", number: "99999999", expected: .sendBack(.notBasicAccount)),
        Case(testDescription: "not basic, says the bank", isBasicAccount: false, expected: .sendBack(.notBasicAccount)),
        Case(
            testDescription: "any account, where the region allows", requiresBasicAccount: false, number: "99999999",
            isBasicAccount: false, expected: .apply),
        Case(testDescription: "a fen short", amount: 19_999, expected: .sendBack(.wrongAmount)),
        Case(testDescription: "a fen more", amount: 20_001, expected: .sendBack(.wrongAmount)),
    ]

    @Test("A9: what pays and what goes back", arguments: cases)
    func decision(_ row: Case) throws {
        let order = PaymentOrder(
            id: PaymentOrderID(), order: OrderID(), enterprise: EnterpriseID(), payerName: try account().name,
            basicAccount: try account(), requiresBasicAccount: row.requiresBasicAccount, amount: Money(fen: 20_000),
            reference: "BH1", payTo: try account(), state: row.state, expiresAt: noon + .hours(1), payer: nil)
        let credit = Credit(
            transaction: "B1", amount: Money(fen: row.amount), reference: "BH1",
            payer: try account(row.name, row.number),
            isBasicAccount: row.isBasicAccount, at: noon + .milliseconds(row.at))
        #expect(decide(on: credit, for: order) == row.expected)
    }
}

@Suite("Ledger")
struct LedgerTests {
    private func store(_ scratch: ScratchDatabase) async throws -> Store {
        Store(database: try await Database(scratch.address, migrations: paymentMigrations))
    }

    private func key() -> IdempotencyKey { IdempotencyKey(text: MessageID().text, fingerprint: "") }

    private func paymentOrder(in store: Store) async throws -> (CreatePaymentOrder, PaymentOrderDetails) {
        let request = CreatePaymentOrder(
            order: OrderID(), enterprise: EnterpriseID(), payerName: try account().name, basicAccount: try account(),
            requiresBasicAccount: true, amount: Money(fen: 20_000), expiresAt: noon + .hours(1))
        return (request, try await store.create(request, payTo: try account(), at: noon, key: key()))
    }

    private func credit(_ order: PaymentOrderDetails, _ transaction: String, amount: Int64 = 20_000) throws -> Credit {
        Credit(
            transaction: transaction, amount: Money(fen: amount), reference: order.instruction.reference,
            payer: try account(), isBasicAccount: true, at: noon)
    }

    @Test("A9: a notice delivered five times by many at once books once", arguments: DatabaseKind.allCases)
    func duplicates(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let store = try await store(scratch)
        let (_, order) = try await paymentOrder(in: store)
        let credit = try credit(order, "B1")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 { group.addTask { try await store.book(credit, at: noon) } }
            try await group.waitForAll()
        }
        let balances = try await store.trialBalance()
        #expect(balances.first { $0.account == "premiums" }?.balance == Money(fen: -20_000))
        #expect(balances.reduce(Money.zero) { $0 + $1.balance } == .zero)
    }

    @Test(
        "R6: a refund is paid once, whatever key asks for it, and never more than was paid",
        arguments: DatabaseKind.allCases)
    func refunds(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let store = try await store(scratch)
        let (request, order) = try await paymentOrder(in: store)
        try await store.book(try credit(order, "B1"), at: noon)
        let refund = CreatePayout(
            refund: RefundID(), order: request.order, amount: Money(fen: 20_000), account: try account())
        let sameKey = key()
        let first = try await store.refund(refund, at: noon, key: sameKey)
        #expect(try await store.refund(refund, at: noon, key: sameKey).id == first.id)
        await #expect(throws: IllegalTransition.self) { try await store.refund(refund, at: noon, key: key()) }
        let more = CreatePayout(
            refund: RefundID(), order: request.order, amount: Money(fen: 20_001), account: try account())
        await #expect(throws: Problem.self) { try await store.refund(more, at: noon, key: key()) }
        #expect(
            try await store.trialBalance().first { $0.account == "refunds_payable" }?.balance == Money(fen: -20_000))
    }

    @Test("money with an unknown reference goes back to its sender", arguments: DatabaseKind.allCases)
    func unknownReference(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let store = try await store(scratch)
        let stray = Credit(
            transaction: "B9", amount: Money(fen: 500), reference: "nobody's", payer: try account(),
            isBasicAccount: true,
            at: noon)
        try await store.book(stray, at: noon)
        let balances = try await store.trialBalance()
        #expect(balances.first { $0.account == "returns_payable" }?.balance == Money(fen: -500))
        #expect(balances.first { $0.account == "suspense" }?.balance == .zero)
    }

    @Test("a booked transfer can be neither changed nor deleted", arguments: DatabaseKind.allCases)
    func finality(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let store = try await store(scratch)
        let (_, order) = try await paymentOrder(in: store)
        try await store.book(try credit(order, "B1"), at: noon)
        for sql in ["UPDATE transfer SET amount = 1", "DELETE FROM transfer"] {
            await #expect(throws: (any Error).self) { try await store.database.write { try $0.execute(sql) } }
        }
    }
}
