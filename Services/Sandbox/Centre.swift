import Contracts
import Cryptography
import Persistence
import ServiceRuntime
import StrictJSON

/// The trading centre: registry of enterprises, lots, hand-off tickets (A2 to A4).
struct Centre: Sendable {
    let database: Database
    let ticketKey: PrivateKey
    let clock: ServiceClock

    func addRoutes(to sandbox: Routes<SandboxAPI>, and centre: Routes<TradingCentreAPI>) {
        sandbox.on(.registerEnterprise) { call in
            try await database.write { transaction in
                try transaction.execute(
                    """
                    INSERT INTO enterprise (credit_code, details) VALUES (?, ?)
                    ON CONFLICT (credit_code) DO UPDATE SET details = excluded.details
                    """, call.body.creditCode, JSONColumn(call.body))
            }
            return Nothing()
        }
        sandbox.on(.publishLot) { call in try await publish(call.body) }
        sandbox.on(.moveLot) { call in try await move(call.id, call.body) }
        sandbox.on(.makeTicket) { call in HandOff(ticket: try ticket(for: call.body)) }
        centre.on(.registeredEnterprise) { call in
            let row = try await database.read { transaction in
                try transaction.row("SELECT details FROM enterprise WHERE credit_code = ?", call.id).map { row in
                    try row["details"] as JSONColumn<RegisteredEnterprise>
                }
            }
            guard let row else { throw Problem(.notFound) }
            return row.value
        }
        centre.on(.lotsSince) { call in try await feed(after: call.body.sequence) }
    }

    private func publish(_ request: PublishLot) async throws -> LotDetails {
        let now = clock.now
        return try await database.write { transaction in
            let number: Int = try transaction.row("SELECT COUNT(*) + 1 AS number FROM lot")?["number"] ?? 1
            let padded = String(String(1_000 + number).dropFirst())
            let tenderee = try UnifiedSocialCreditCode(completing: "12341800MB1A2B3C4")
            let lot = LotDetails(
                id: LotID(), region: request.region, projectNumber: try Words("\(request.region)-2026-\(padded)"),
                projectName: request.projectName, number: try Words("\(padded)-01"), name: request.lotName,
                tenderee: try Words("宣城市城市建设投资有限公司"), tendereeCreditCode: tenderee, kind: request.kind,
                estimate: request.estimate, deposit: request.deposit, opening: now + .seconds(request.opensInSeconds),
                validityDays: request.validityDays, state: .open, version: 1, drawCommitment: nil, drawSeed: nil)
            try keep(lot, in: transaction, at: now)
            return lot
        }
    }

    /// The tender moves on, or its opening is moved; what the states forbid is refused.
    private func move(_ id: LotID, _ request: MoveLot) async throws -> LotDetails {
        let now = clock.now
        return try await database.write { transaction in
            guard let row = try transaction.row("SELECT details FROM lot WHERE id = ?", id) else {
                throw Problem(.lotUnknown)
            }
            let stored: JSONColumn<LotDetails> = try row["details"]
            let old = stored.value
            let state = try request.event.map { try old.state.applying($0) } ?? old.state
            let lot = LotDetails(
                id: old.id, region: old.region, projectNumber: old.projectNumber, projectName: old.projectName,
                number: old.number, name: old.name, tenderee: old.tenderee, tendereeCreditCode: old.tendereeCreditCode,
                kind: old.kind, estimate: old.estimate, deposit: old.deposit, opening: request.opening ?? old.opening,
                validityDays: old.validityDays, state: state, version: old.version + 1, drawCommitment: nil,
                drawSeed: nil)
            try keep(lot, in: transaction, at: now)
            return lot
        }
    }

    /// Each word on a lot has a number of its own in the feed, and a callback.
    private func keep(_ lot: LotDetails, in transaction: Transaction, at now: Instant) throws {
        try transaction.execute("DELETE FROM lot WHERE id = ?", lot.id)
        try transaction.execute("INSERT INTO lot (id, details) VALUES (?, ?)", lot.id, JSONColumn(lot))
        try transaction.send(Callback.lot(LotNotice(lot: lot)), at: now)
    }

    private func feed(after sequence: Int) async throws -> LotFeed {
        try await database.read { transaction in
            let rows = try transaction.rows(
                "SELECT sequence, details FROM lot WHERE sequence > ? ORDER BY sequence LIMIT 500", sequence)
            let lots = try rows.map { row in (try row["details"] as JSONColumn<LotDetails>).value }
            return LotFeed(lots: lots, sequence: try rows.last?["sequence"] ?? sequence)
        }
    }

    private struct TicketHeader: Encodable {
        let alg = "ES256"
        let typ = "JWT"
    }

    private struct TicketClaims: Encodable {
        let iss = "xuancheng"
        let aud = handOffAudience
        let sub: UnifiedSocialCreditCode
        let name: Words
        let lot: LotID
        let certificate: String?
        let iat: Int64
        let exp: Int64
        let jti: String
    }

    private func ticket(for request: MakeTicket) throws -> String {
        let now = clock.now.seconds
        let claims = TicketClaims(
            sub: request.creditCode, name: request.name, lot: request.lot, certificate: request.certificate, iat: now,
            exp: now + 60,
            jti: randomBytes(16).hex)
        return try JWS.sign(
            header: try StrictJSON.encode(TicketHeader()), payload: try StrictJSON.encode(claims), key: ticketKey)
    }
}
