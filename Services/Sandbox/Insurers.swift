import Contracts
import Cryptography
import Persistence
import ServiceRuntime

/// Two providers with five insurers, and what an insurer's system does (A5, A8, A10, A12, R6).
struct Insurers: Sendable {
    let database: Database
    let faults: Faults
    let clock: ServiceClock

    /// Deposits above this an insurer's system leaves to a person.
    private static let referAbove = Money(fen: 20_000_000)

    func addRoutes(to insurers: Routes<InsurerAPI>, and providers: Routes<ProviderAPI>) {
        providers.on(.catalogue) { _ in try sampleProviders() }
        insurers.on(.underwrite) { call in
            try await faults.around("insurer.underwrite", about: call.body.order.text) {
                try await underwrite(call.body, $0)
            }
        }
        insurers.on(.underwriting) { call in try await stored("underwriting", call.id.text) }
        insurers.on(.issue) { call in
            try await faults.around("insurer.issue", about: call.body.order.text) { try await issue(call.body, $0) }
        }
        insurers.on(.issuedPolicy) { call in try await stored("policy", call.id.text) }
        insurers.on(.endorse) { call in
            try await faults.around("insurer.endorse", about: call.body.policyNumber) { _ in
                try await endorse(call.body)
            }
        }
        insurers.on(.surrender) { call in
            try await faults.around("insurer.surrender", about: call.body.refund.text) {
                try await surrender(call.body, $0)
            }
        }
        insurers.on(.surrenderStatus) { call in try await stored("surrender", call.id.text) }
        insurers.on(.settlement) { call in
            try await database.takeIn(call.key, "settlement", at: clock.now) { try await book(call.body, of: .insurer) }
            return Nothing()
        }
        insurers.on(.book) { call in try await book(of: .insurer, after: call.body.after) }
        providers.on(.settlement) { call in
            try await database.takeIn(call.key, "settlement", at: clock.now) {
                try await book(call.body, of: .provider)
            }
            return Nothing()
        }
        providers.on(.book) { call in try await book(of: .provider, after: call.body.after) }
    }

    private func underwrite(_ request: UnderwritingRequest, _ treatment: Treatment) async throws -> UnderwritingAnswer {
        let now = clock.now
        return try await database.write { transaction in
            let verdict: UnderwritingVerdict =
                treatment.refuses
                ? .reject : request.deposit > Self.referAbove && request.answer == nil ? .refer : .approve
            let note = treatment.refuses ? "投保人不符合承保条件" : nil
            let isNew = try transaction.keep(
                "underwriting", request.order.text, UnderwritingAnswer(verdict: verdict, note: note))
            if isNew {
                let notice = InsurerNotice(order: request.order, verdict: verdict, note: note)
                try treatment.send(.underwriting(notice), in: transaction, at: now)
            }
            return UnderwritingAnswer(verdict: nil, note: nil)
        }
    }

    private func issue(_ request: IssueRequest, _ treatment: Treatment) async throws -> IssuedPolicy {
        let now = clock.now
        return try await database.write { transaction in
            if treatment.refuses {
                // What was issued under the same key stays issued.
                guard let known: IssuedPolicy = try? transaction.required("policy", request.order.text) else {
                    throw Problem(.underwritingRefused)
                }
                return known
            }
            let digits = String(UInt64.random(in: 1_000_000_000...9_999_999_999))
            _ = try transaction.keep(
                "policy", request.order.text,
                IssuedPolicy(number: "PTB\(now.day.components.year)\(digits)", issuedAt: now))
            return try transaction.required("policy", request.order.text)
        }
    }

    private func endorse(_ request: EndorsementRequest) async throws -> Endorsement {
        let now = clock.now
        return try await database.write { transaction in
            let digits = String(UInt64.random(in: 10_000_000...99_999_999))
            _ = try transaction.keep("endorsement", request.policyNumber, Endorsement(number: "PD\(digits)", at: now))
            return try transaction.required("endorsement", request.policyNumber)
        }
    }

    private func surrender(_ request: SurrenderRequest, _ treatment: Treatment) async throws -> SurrenderAnswer {
        let now = clock.now
        return try await database.write { transaction in
            let note = treatment.refuses ? "保单存在未决事项" : nil
            let isNew = try transaction.keep(
                "surrender", request.refund.text, SurrenderAnswer(isApproved: !treatment.refuses, note: note))
            if isNew {
                let notice = SurrenderNotice(refund: request.refund, isApproved: !treatment.refuses, note: note)
                try treatment.send(.surrender(notice), in: transaction, at: now)
            }
            return SurrenderAnswer(isApproved: nil, note: nil)
        }
    }

    /// A clerk who refuses to write makes a break for reconciliation to find.
    private func book(_ settlement: Settlement, of party: Party) async throws {
        try await faults.around("\(party.rawValue).book", about: settlement.order.text) { treatment in
            if treatment.refuses { return }
            try await database.write { transaction in
                try transaction.execute(
                    "INSERT INTO settlement (party, id, details) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    party.rawValue, settlement.id, JSONColumn(settlement))
            }
        }
    }

    private func book(of party: Party, after position: Int) async throws -> SettlementBook {
        try await database.read { transaction in
            let rows = try transaction.rows(
                "SELECT number, details FROM settlement WHERE party = ? AND number > ? ORDER BY number LIMIT 500",
                party.rawValue, position)
            return SettlementBook(
                lines: try rows.map { (try $0["details"] as JSONColumn<Settlement>).value },
                position: try rows.last?["number"] ?? position)
        }
    }

    private func stored<Value: Codable & Sendable>(_ kind: String, _ key: String) async throws -> Value {
        try await database.read { try $0.required(kind, key) }
    }
}
