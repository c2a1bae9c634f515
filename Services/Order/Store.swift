import Contracts
import Cryptography
import Persistence

/// All SQL of Order.
struct Store: Sendable {
    let database: Database

    // MARK: Lots and providers

    func lot(_ id: LotID) async throws -> Lot? {
        try await database.read { try $0.lot(id) }
    }

    /// Lots that take applications, soonest opening first.
    ///
    /// - Parameter cursor: opening and ID of the last lot of the page before.
    func openLots(matching text: String?, after cursor: String?, limit: Int, at now: Instant) async throws -> Page<
        LotDetails
    > {
        let (opening, id) = try Self.parse(cursor) ?? (now, "")
        let pattern = "%" + Self.escaped((text ?? "").lowercased()) + "%"
        return try await database.read { transaction in
            let lots = try transaction.rows(
                """
                SELECT details, seed, opened_at FROM lot
                WHERE state = 'open' AND (opening > ? OR (opening = ? AND id > ?)) AND search_text LIKE ? ESCAPE '\\'
                ORDER BY opening, id LIMIT ?
                """, opening, opening, id, pattern, limit + 1
            ).map { try Lot($0) }
            let page = Array(lots.prefix(limit))
            let last = lots.count > limit ? page.last : nil
            return Page(
                items: page.map(\.published),
                next: last.map { "\($0.details.opening.milliseconds)-\($0.details.id.text)" })
        }
    }

    /// A cursor is a time and an identifier, joined by a dash.
    private static func parse(_ cursor: String?) throws -> (Instant, String)? {
        guard let cursor else { return nil }
        let parts = cursor.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let milliseconds = Int64(parts[0]) else {
            throw Problem(.invalidField, "is not a cursor of ours", field: "/cursor")
        }
        return (Instant(milliseconds: milliseconds), String(parts[1]))
    }

    private static func escaped(_ text: String) -> String {
        text.map { "%_\\".contains($0) ? "\\\($0)" : String($0) }.joined()
    }

    /// Takes a newer word of the trading centre on a lot in; opens its policies when the bids were opened.
    func take(_ details: LotDetails, at now: Instant) async throws {
        let searchText = [details.projectNumber, details.projectName, details.number, details.name]
            .map { $0.text.lowercased() }.joined(separator: " ")
        let seed = randomBytes(32)
        let new = Lot(details: details, seed: seed, openedAt: nil)
        try await database.write { transaction in
            guard let known = try transaction.lot(details.id) else {
                try transaction.execute(
                    """
                    INSERT INTO lot (id, state, opening, version, details, search_text, seed, opened_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """, details.id, details.state, details.opening, details.version, JSONColumn(details), searchText,
                    seed, new.isOpened(by: details, at: now) ? now : nil)
                return
            }
            guard details.version > known.details.version, known.details.state.leads(to: details.state) else { return }
            try transaction.execute(
                """
                UPDATE lot SET state = ?, opening = ?, version = ?, details = ?, search_text = ?, opened_at = ?
                WHERE id = ? AND version = ?
                """, details.state, details.opening, details.version, JSONColumn(details), searchText,
                known.openedAt ?? (known.isOpened(by: details, at: now) ? now : nil), details.id,
                known.details.version)
            guard let lot = try transaction.lot(details.id), lot.isOver, !known.isOver else { return }
            for var order in try transaction.orders("lot = ? AND policy = 'sealed'", lot.details.id) where lot.isOpened
            {
                try Policies.open(&order, transaction, at: now)
                try transaction.update(&order, at: now)
            }
            // What was not paid for by now never will be.
            for var order in try transaction.orders("lot = ? AND is_live = 1 AND payment = 'none'", lot.details.id) {
                try order.advance(ApplicationState.Event.expire)
                try transaction.update(&order, at: now)
            }
        }
    }

    func feedPosition() async throws -> Int {
        try await database.read { try $0.row("SELECT position FROM feed_position")?["position"] ?? 0 }
    }

    func setFeedPosition(_ position: Int) async throws {
        guard try await feedPosition() < position else { return }
        try await database.write { transaction in
            try transaction.execute("UPDATE feed_position SET position = ? WHERE position < ?", position, position)
        }
    }

    func providers() async throws -> [ProviderDetails] {
        try await database.read { transaction in
            try transaction.rows("SELECT details FROM provider ORDER BY id").map { row in
                let details: JSONColumn<ProviderDetails> = try row["details"]
                return details.value
            }
        }
    }

    func setProviders(_ providers: [ProviderDetails]) async throws {
        // Sorted here both times: databases differ in what comes first.
        let (old, new) = (try await self.providers(), providers)
        guard old.sorted(by: { $0.id < $1.id }) != new.sorted(by: { $0.id < $1.id }) else { return }
        try await database.write { transaction in
            try transaction.execute("DELETE FROM provider")
            for provider in providers {
                try transaction.execute(
                    "INSERT INTO provider (id, details) VALUES (?, ?)", provider.id, JSONColumn(provider))
            }
        }
    }

    // MARK: Orders

    func orderAndLot(_ id: OrderID) async throws -> (InsuranceOrder, Lot)? {
        try await database.read { try $0.orderAndLot(id) }
    }

    func order(policyNumber: String) async throws -> (InsuranceOrder, Lot)? {
        try await database.read { transaction in
            guard let order = try transaction.orders("policy_number = ?", policyNumber).first else { return nil }
            return try transaction.orderAndLot(order.id)
        }
    }

    /// A bidder's orders, newest first.
    func orders(of enterprise: EnterpriseID, after cursor: String?, limit: Int) async throws -> Page<OrderDetails> {
        let (createdAt, id) = try Self.parse(cursor) ?? (Instant(milliseconds: .max), "")
        return try await database.read { transaction in
            let rows = try transaction.rows(
                """
                SELECT o.details AS order_details, l.details AS details, l.seed AS seed, l.opened_at AS opened_at
                FROM insurance_order AS o JOIN lot AS l ON l.id = o.lot
                WHERE o.enterprise = ? AND (o.created_at < ? OR (o.created_at = ? AND o.id > ?))
                ORDER BY o.created_at DESC, o.id LIMIT ?
                """, enterprise, createdAt, createdAt, id, limit + 1)
            let items = try rows.prefix(limit).map { row in
                let order: JSONColumn<InsuranceOrder> = try row["order_details"]
                return order.value.details(in: try Lot(row))
            }
            let last = rows.count > limit ? items.last : nil
            return Page(items: items, next: last.map { "\($0.createdAt.milliseconds)-\($0.id.text)" })
        }
    }

    func referred(to insurer: String) async throws -> [UnderwritingCase] {
        try await database.read { transaction in
            try transaction.orders("application = 'reviewing' AND is_referred = 1 AND insurer = ?", insurer).map {
                order in
                UnderwritingCase(
                    order: order.id, deposit: order.deposit, premium: order.quote?.premium ?? .zero,
                    enterprise: order.applicant.name, creditCode: order.applicant.creditCode,
                    lotToken: order.lotToken, reasons: order.referral ?? [], answer: order.answer,
                    since: order.updatedAt)
            }
        }
    }

    func reviewing(since limit: Instant) async throws -> [OrderID] {
        try await database.read { transaction in
            try transaction.rows(
                """
                SELECT id FROM insurance_order
                WHERE application = 'reviewing' AND is_referred = 0 AND updated_at < ? ORDER BY RANDOM() LIMIT 100
                """, limit
            ).map { try $0["id"] }
        }
    }

    func document(of id: OrderID) async throws -> SignedDocument? {
        try await database.read { transaction in
            guard let row = try transaction.row("SELECT pdf, signature FROM document WHERE order_id = ?", id) else {
                return nil
            }
            return SignedDocument(pdf: try row["pdf"], signature: try row["signature"])
        }
    }
}

extension Lot {
    fileprivate init(_ row: Row) throws {
        let details: JSONColumn<LotDetails> = try row["details"]
        self.init(details: details.value, seed: try row["seed"], openedAt: try row["opened_at"])
    }
}

/// What the decisions read and write inside one transaction.
extension Transaction {
    func lot(_ id: LotID) throws -> Lot? {
        try row("SELECT details, seed, opened_at FROM lot WHERE id = ?", id).map { try Lot($0) }
    }

    func provider(_ id: String) throws -> ProviderDetails? {
        guard let row = try row("SELECT details FROM provider WHERE id = ?", id) else { return nil }
        let details: JSONColumn<ProviderDetails> = try row["details"]
        return details.value
    }

    func orderAndLot(_ id: OrderID) throws -> (InsuranceOrder, Lot)? {
        guard let order = try orders("id = ?", id).first, let lot = try lot(order.lot) else { return nil }
        return (order, lot)
    }

    fileprivate func orders(_ condition: String, _ value: any SQLRepresentable) throws -> [InsuranceOrder] {
        try rows("SELECT details FROM insurance_order WHERE \(condition) ORDER BY created_at", value).map { row in
            let details: JSONColumn<InsuranceOrder> = try row["details"]
            return details.value
        }
    }

    /// - Returns: false when the bidder has a live order for the lot.
    func insert(_ order: InsuranceOrder) throws -> Bool {
        try execute(
            """
            INSERT INTO insurance_order (id, lot, enterprise, application, payment, policy, is_live, insurer,
                is_referred, policy_number, version, created_at, updated_at, details)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """, order.id, order.lot, order.enterprise, order.application, order.payment, order.policy, order.isLive,
            order.insurer?.id, order.referral != nil, order.issued?.number, order.version, order.createdAt,
            order.updatedAt, JSONColumn(order)) == 1
    }

    /// Saves a changed order as its next version.
    ///
    /// - Throws: ``ProblemCode/versionConflict`` when somebody else saved it since it was read.
    func update(_ order: inout InsuranceOrder, at now: Instant) throws {
        let read = order.version
        order.version += 1
        order.updatedAt = now
        let changed = try execute(
            """
            UPDATE insurance_order SET application = ?, payment = ?, policy = ?, is_live = ?, insurer = ?,
                is_referred = ?, policy_number = ?, version = ?, updated_at = ?, details = ?
            WHERE id = ? AND version = ?
            """, order.application, order.payment, order.policy, order.isLive, order.insurer?.id, order.referral != nil,
            order.issued?.number, order.version, now, JSONColumn(order), order.id, read)
        guard changed == 1 else { throw Problem(.versionConflict) }
    }

    /// The open policy takes the sealed one's place.
    func keep(_ document: SignedDocument, of id: OrderID) throws {
        try execute(
            """
            INSERT INTO document (order_id, pdf, signature) VALUES (?, ?, ?)
            ON CONFLICT (order_id) DO UPDATE SET pdf = excluded.pdf, signature = excluded.signature
            """, id, document.pdf, document.signature)
    }
}
