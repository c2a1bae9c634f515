import Contracts
import DevelopmentDatabase
import Persistence
import Testing

@testable import Order

/// With many rows each look-up goes by an index.
@Suite("Plans of Order's statements")
struct PlanTests {
    private static let count = 6_000
    private let noon = Instant(milliseconds: 1_800_000_000_000)

    @Test("A4 A12: no look-up reads a whole table")
    func indexes() async throws {
        let scratch = try await ScratchDatabase(.postgresql)
        let lot = try lot()
        let order = try order(in: lot)
        let store = Store(database: try await Database(scratch.address, migrations: orderMigrations))
        try await store.take(lot.details, at: noon)
        try await store.database.write { try fill($0, order) }
        try await store.database.write { _ = try $0.execute("ANALYZE") }
        try await scratch.logPlans()
        let watched = Store(database: try await Database(scratch.address, migrations: orderMigrations))
        _ = try await watched.orderAndLot(order.id)
        _ = try await watched.order(policyNumber: "P77")
        let page = try await watched.orders(of: order.enterprise, after: nil, limit: 20)
        #expect(page.items.count == 20)
        _ = try await watched.orders(of: order.enterprise, after: page.next, limit: 20)
        _ = try await watched.openLots(matching: nil, after: nil, limit: 20, at: noon)
        _ = try await watched.referred(to: "huian")
        _ = try await watched.reviewing(since: noon)
        _ = try await watched.document(of: order.id)
        let scans = try await scratch.sequentialScans(of: ["insurance_order", "document", "lot"])
        #expect(scans.isEmpty, "\(scans.joined(separator: "\n"))")
    }

    private func lot() throws -> Lot {
        let details = LotDetails(
            id: LotID(), region: "341800", projectNumber: try Words("1"), projectName: try Words("工程"),
            number: try Words("1"), name: try Words("标段"), tenderee: try Words("甲"),
            tendereeCreditCode: try UnifiedSocialCreditCode(completing: "12341800MB1A2B3C4"), kind: .works,
            estimate: Money(fen: 5_000_000_000), deposit: Money(fen: 5_000_000), opening: noon + .days(14),
            validityDays: 90, state: .open, version: 1, drawCommitment: nil, drawSeed: nil)
        return Lot(details: details, seed: [1], openedAt: nil)
    }

    private func order(in lot: Lot) throws -> InsuranceOrder {
        let name = try Words("乙")
        return InsuranceOrder(
            lot: lot, enterprise: EnterpriseID(),
            applicant: Applicant(
                name: name, creditCode: try UnifiedSocialCreditCode(completing: "91341800MA2T7H7K8"),
                basicAccount: AccountReference(
                    name: name, number: try AccountNumber("1317090009300012345"), bank: try Words("工商银行"), branch: nil)),
            provider: "gongbao", rulesVersion: "1", at: noon)
    }

    /// Orders of a hundred bidders on as many lots, all with the same details.
    private func fill(_ transaction: Transaction, _ order: InsuranceOrder) throws {
        let id = "translate(rpad(md5(n::text), 26, 'x'), 'ilou', '0000')"
        try transaction.execute(
            """
            INSERT INTO lot (id, state, opening, version, details, search_text, seed)
            SELECT 'lot_' || \(id), CASE WHEN n % 50 = 0 THEN 'open' ELSE 'closed' END, opening + n, 1, details,
                search_text, seed
            FROM lot, generate_series(1, \(Self.count)) AS n
            """)
        try transaction.execute(
            """
            INSERT INTO insurance_order (id, lot, enterprise, application, payment, policy, is_live, insurer, is_referred,
                policy_number, version, created_at, updated_at, details)
            SELECT 'ord_' || \(id), 'lot_' || \(id), CASE WHEN n % 100 = 0 THEN ? ELSE 'ent_' || n % 100 END, 'issued',
                'paid', 'open', 1, 'huian', 0, 'P' || n, 1, n, n, ?
            FROM generate_series(1, \(Self.count)) AS n
            """, order.enterprise, JSONColumn(order))
        try transaction.execute(
            """
            INSERT INTO document (order_id, pdf, signature)
            SELECT id, '', '' FROM insurance_order
            """)
        _ = try transaction.insert(order)
    }
}
