import Contracts
import DevelopmentDatabase
import Persistence
import Testing

@testable import Payment

/// With many rows each look-up goes by an index.
@Suite("Plans of Payment's statements")
struct PlanTests {
    private static let tables = ["payment_order", "credit", "payout", "transfer", "settlement", "outbox", "callback"]
    private static let count = 6_000

    @Test("no look-up reads a whole table")
    func indexes() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        do {
            let database = try await Database(scratch.address, migrations: paymentMigrations)
            try await database.write { try Self.fill($0) }
            try await database.write { _ = try $0.execute("ANALYZE") }
        }
        try await scratch.logPlans()
        let books = try await Books(at: scratch)
        let order = try #require(
            try await books.store.database.read {
                try Store.paymentOrder("reference", "R77", in: $0)
            })
        _ = try await books.store.paymentOrder(order.id)
        try await books.book(try books.credit(order.details, "B77", amount: 500))
        try await books.book(try books.credit(order.details, "new", amount: 500))
        try await books.store.expire(at: Instant(milliseconds: 0), statementReadUntil: Instant(milliseconds: 0))
        _ = try await books.store.ledgerEntries(LedgerQuery(account: "insurer:i7", limit: 20))
        _ = try await books.store.ledgerEntries(LedgerQuery(order: order.order, limit: 20))
        let refund = RefundID()
        let payout = try await books.payout(order.order, 100, refund: refund)
        await refused(.wrongState) { try await books.payout(order.order, 100, refund: refund) }
        try await books.settle(payout.id, isDone: false)
        try await books.settle(payout.id, isDone: true, isConfirmed: true)
        _ = try await books.store.unanswered(since: Instant(milliseconds: 1))
        try await books.store.releaseDue(rules: books.rules, at: Instant(milliseconds: 0))
        _ = try await books.store.heldPayouts()
        _ = try await books.store.database.callbacks()
        let scans = try await scratch.sequentialScans(of: Self.tables)
        #expect(scans.isEmpty, "\(scans.joined(separator: "\n"))")
    }

    /// Rows that look like some thousand orders that are paid for.
    private static func fill(_ transaction: Transaction) throws {
        let id = "translate(rpad(md5(n::text), 26, 'x'), 'ilou', '0000')"
        for sql in [
            """
            INSERT INTO payment_order (id, order_id, enterprise, payer_name, basic_account, requires_basic_account, amount,
                reference, pay_to, state, expires_at, payer, received)
            SELECT 'pay_' || \(id), 'ord_' || \(id), 'ent_' || \(id), '安徽宏远（集团）公司', a, 1, 20000, 'R' || n, a, 'paid',
                1800003600000, a, 20000
            FROM generate_series(1, \(count)) AS n, (SELECT CAST(? AS TEXT) AS a) AS account
            """,
            """
            INSERT INTO credit (bank_transaction, payment_order, amount, reference, payer, at, outcome)
            SELECT 'B' || n, 'pay_' || \(id), 20000, 'R' || n, a, 1800000000000, 'applied'
            FROM generate_series(1, \(count)) AS n, (SELECT CAST(? AS TEXT) AS a) AS account
            """,
            """
            INSERT INTO payout (id, bank_key, refund, credit, order_id, region, amount, account, purpose, state, created_at,
                updated_at)
            SELECT 'out_' || \(id), 'msg_' || \(id), 'ref_' || \(id), NULL, 'x' || n, '', 1, a, 'x', 'done', n, n
            FROM generate_series(1, \(count)) AS n, (SELECT CAST(? AS TEXT) AS a) AS account
            """,
        ] {
            try transaction.execute(sql, JSONColumn(try account()))
        }
        for sql in [
            """
            INSERT INTO transfer (debit, credit, amount, order_id, subject, at)
            SELECT 'bidder_clearing', 'insurer:i' || n % 50, 1, 'ord_' || \(id), 'x', n
            FROM generate_series(1, \(count)) AS n
            """,
            """
            INSERT INTO callback (id, direction, kind, attempts, outcome, first_at, at)
            SELECT 'c' || n, 'in', 'bank', 1, 'done', n, n FROM generate_series(1, \(count * 3)) AS n
            """,
        ] {
            try transaction.execute(sql)
        }
    }
}
