import Contracts
import DevelopmentDatabase
import Persistence
import Testing

@testable import Payment

@Suite("Ledger")
struct LedgerTests {
    @Test("A9: a notice delivered five times by many at once books once", arguments: DatabaseKind.allCases)
    func duplicates(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let credit = try books.credit(try await books.order().details)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 { group.addTask { try await books.book(credit) } }
            try await group.waitForAll()
        }
        #expect(try await books.balance(.bidderClearing) == Money(fen: -20_000))
        #expect(try await books.balance(.bank) == Money(fen: 20_000))
        #expect(try await books.total() == .zero)
        #expect(try await books.messages() == ["event to order"])
    }

    @Test("money with an unknown reference goes back to its sender", arguments: DatabaseKind.allCases)
    func unknownReference(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let stray = Credit(
            transaction: "B9", amount: Money(fen: 500), reference: "nobody's", payer: try account("某人", "62220210"),
            isBasicAccount: true, at: noon)
        try await books.book(stray)
        #expect(try await books.balance(.returnsPayable) == Money(fen: -500))
        #expect(try await books.balance(.suspense) == .zero)
        // Whatever the name is: it goes to where it came from.
        #expect(try await books.payouts().map(\.account) == [stray.payer])
        #expect(try await books.messages() == ["payout"])
    }

    @Test(
        "a booked transfer can be neither changed nor deleted, and moves a positive amount between two accounts",
        arguments: DatabaseKind.allCases)
    func finality(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        try await books.book(try books.credit(try await books.order().details))
        for sql in [
            "UPDATE transfer SET amount = 1", "DELETE FROM transfer",
            "INSERT INTO transfer (debit, credit, amount, subject, at) VALUES ('bank', 'bank', 1, 'x', 0)",
            "INSERT INTO transfer (debit, credit, amount, subject, at) VALUES ('bank', 'tax', 0, 'x', 0)",
            "INSERT INTO transfer (debit, credit, amount, subject, at) VALUES ('bank', 'tax', -1, 'x', 0)",
            "UPDATE payment_order SET received = -1", "UPDATE payment_order SET returned = -1",
        ] {
            await #expect(throws: (any Error).self, "\(sql)") {
                try await books.store.database.write { try $0.execute(sql) }
            }
        }
    }

    @Test(
        "A10: an issued policy's premium is divided among insurer, provider and tax, to the fen, once",
        arguments: DatabaseKind.allCases)
    func shares(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let order = try await books.earnedOrder(20_001)
        try await books.store.earn(books.issued(order), message: MessageID(), at: noon)
        // 12 % of 200.01 is 24.00, of which 22.64 are the provider's and 1.36 are tax.
        #expect(try await books.balance(.insurer("huian")) == Money(fen: -17_601))
        #expect(try await books.balance(.provider("gongbao")) == Money(fen: -2_264))
        #expect(try await books.balance(.tax) == Money(fen: -136))
        #expect(try await books.balance(.bidderClearing) == .zero)
        _ = try await books.payout(order.order, 20_001)
        for account in [LedgerAccount.insurer("huian"), .provider("gongbao"), .tax] {
            #expect(try await books.balance(account) == .zero)
        }
        #expect(try await books.balance(.refundsPayable) == Money(fen: -20_001))
    }

    @Test(
        "R6: a refund that overtakes the news of the policy leaves nothing to divide", arguments: DatabaseKind.allCases)
    func overtaken(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let (request, details) = try await books.order()
        try await books.book(try books.credit(details))
        _ = try await books.payout(request.order, 20_000)
        try await books.store.earn(books.issued(request), message: MessageID(), at: noon)
        #expect(try await books.balance(.bidderClearing) == .zero)
        #expect(try await books.balance(.insurer("huian")) == .zero)
        #expect(try await books.total() == .zero)
    }

    @Test(
        "each part of a return takes its share of everybody, and all parts together take all",
        arguments: [(20_001, 3), (1, 1), (99_999, 7), (100, 100), (7, 5), (1_000_003, 13)] as [(Int64, Int64)])
    func parts(_ premium: Int64, _ count: Int64) {
        var left = PremiumShares(
            of: Money(fen: premium), commission: Money(fen: premium).share(120_000, of: 1_000_000), vatPercent: 6)
        #expect(left.total == Money(fen: premium))
        for number in 0..<count {
            let amount = Money(fen: premium * (number + 1) / count - premium * number / count)
            let part = left.part(amount)
            #expect(part.total == amount)
            left = left - part
            #expect(left.insurer >= .zero && left.provider >= .zero && left.tax >= .zero)
        }
        #expect(left.total == .zero)
    }

    @Test("a statement of an order and of an account, page by page", arguments: DatabaseKind.allCases)
    func statements(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let order = try await books.earnedOrder()
        for _ in 0..<4 { _ = try await books.earnedOrder() }
        let own = try await books.store.ledgerEntries(LedgerQuery(order: order.order)).items
        #expect(own.map(\.credit) == ["suspense", "bidder_clearing", "insurer:huian", "provider:gongbao", "tax"])
        var seen: [Int] = []
        var cursor: String?
        repeat {
            let page = try await books.store.ledgerEntries(LedgerQuery(account: "suspense", cursor: cursor, limit: 3))
            seen += page.items.map(\.number)
            cursor = page.next
        } while cursor != nil
        #expect(seen.count == 10 && seen == seen.sorted() && Set(seen).count == 10)
        await refused(.invalidField) { try await books.store.ledgerEntries(LedgerQuery()) }
        await refused(.invalidField) { try await books.store.ledgerEntries(LedgerQuery(account: "bank", cursor: "x")) }
    }

    @Test("the step of the schema that divides premiums carries the old books over", arguments: DatabaseKind.allCases)
    func migration(_ kind: DatabaseKind) async throws {
        let scratch = try await ScratchDatabase(kind)
        let (paid, refunded) = (OrderID(), OrderID())
        do {
            let old = try await Database(scratch.address, migrations: Array(paymentMigrations.prefix(1)))
            try await old.write { transaction in
                for (order, state) in [(paid, "paid"), (refunded, "refunded")] {
                    try transaction.execute(
                        """
                        INSERT INTO payment_order (id, order_id, enterprise, payer_name, basic_account,
                            requires_basic_account, amount, reference, pay_to, state, expires_at)
                        VALUES (?, ?, ?, '甲', ?, 1, 20000, ?, ?, ?, 0)
                        """, PaymentOrderID(), order, EnterpriseID(), JSONColumn(try account()), order.text,
                        JSONColumn(try account()), state)
                    for (debit, credit) in [("bank", "suspense"), ("suspense", "premiums")] {
                        try transaction.execute(
                            "INSERT INTO transfer (debit, credit, amount, subject, at) VALUES (?, ?, 20000, ?, 0)",
                            debit, credit, order)
                    }
                }
                try transaction.execute(
                    """
                    INSERT INTO transfer (debit, credit, amount, subject, at)
                    VALUES ('premiums', 'refunds_payable', 20000, ?, 0), ('refunds_payable', 'bank', 20000, ?, 0)
                    """, refunded, refunded)
                try transaction.execute(
                    """
                    INSERT INTO payout (id, bank_key, refund, order_id, amount, account, purpose, state, created_at)
                    VALUES (?, ?, ?, ?, 20000, ?, 'x', 'done', 0)
                    """, PayoutID(), MessageID(), RefundID(), refunded, JSONColumn(try account()))
            }
        }
        let store = Store(database: try await Database(scratch.address, migrations: paymentMigrations))
        let balances = try await store.trialBalance()
        func balance(_ account: String) -> Int64? { balances.first { $0.account == account }?.balance.fen }
        #expect(balance("premiums") == 0 && balance("bidder_clearing") == -20_000 && balance("bank") == 20_000)
        let order = try await store.database.read { try Store.paymentOrder("order_id", paid, in: $0) }
        #expect(order?.received.fen == 20_000 && order?.returned.fen == 0)
        // What was given back before is not given back again.
        let again = CreatePayout(
            refund: RefundID(), order: refunded, amount: Money(fen: 20_000), account: try account())
        await #expect(throws: (any Error).self) {
            try await store.refund(
                again, rules: PayoutRules(approvalAbove: .maximum, dailyLimit: .maximum), at: noon, key: Books.key())
        }
    }
}
