import Contracts
import Foundation
import Persistence
import StrictJSON

/// What must be true of a deployment when everything has come to rest, whatever happened before.
struct Verdict: Sendable {
    struct Violation: Sendable, CustomStringConvertible {
        /// The order that it is about, where there is one.
        let order: String?
        let description: String
    }

    private let order: Database
    private let payment: Database
    private let refund: Database
    private let sandbox: Database
    private let everybody: [(String, Database)]

    init(_ deployment: LocalDeployment) async throws {
        order = try await Database(reading: deployment.database(of: "order"))
        payment = try await Database(reading: deployment.database(of: "payment"))
        refund = try await Database(reading: deployment.database(of: "refund"))
        sandbox = try await Database(reading: deployment.database(of: "sandbox"))
        everybody = [
            ("order", order), ("payment", payment), ("refund", refund), ("sandbox", sandbox),
            ("auth", try await Database(reading: deployment.database(of: "auth"))),
            ("invoice", try await Database(reading: deployment.database(of: "invoice"))),
        ]
    }

    // MARK: At rest

    /// What still waits to be delivered, or to happen.
    func unrest() async throws -> [String] {
        var unrest: [String] = []
        for (name, database) in everybody {
            let waiting = try await database.read { transaction in
                try transaction.rows("SELECT kind, attempts, last_error FROM outbox ORDER BY position LIMIT 3").map {
                    row in
                    let (kind, attempts, error): (String, Int, String?) = (
                        try row["kind"], try row["attempts"], try row["last_error"]
                    )
                    return "\(kind) (\(attempts) attempts: \(error ?? ""))"
                }
            }
            if !waiting.isEmpty { unrest.append("\(name) still sends \(waiting.joined(separator: ", "))") }
        }
        let sending: Int = try await payment.read {
            try $0.row("SELECT COUNT(*) AS n FROM payout WHERE state = 'sending'")?["n"] ?? 0
        }
        if sending > 0 { unrest.append("\(sending) payouts have no answer") }
        let (movements, read): (Int, Int) = (
            try await sandbox.read { try $0.row("SELECT COALESCE(MAX(number), 0) AS n FROM movement")?["n"] ?? 0 },
            try await payment.read { try $0.row("SELECT position AS n FROM statement_position")?["n"] ?? 0 }
        )
        if movements != read { unrest.append("the bank's statement is read to \(read) of \(movements)") }
        return unrest
    }

    // MARK: The model

    private struct OrderRow: Sendable {
        let id: String
        let lot: String
        let enterprise: String
        let application: String
        let payment: String
        let policy: String
        let details: Details

        /// Those parts of Order's record that the model needs.
        struct Details: Decodable, Sendable {
            struct Quote: Decodable, Sendable {
                let premium: Money
                let commission: Money?
            }
            struct Insurer: Decodable, Sendable { let id: String }
            struct Surrender: Decodable, Sendable { let decidedAt: Instant }
            let quote: Quote?
            let insurer: Insurer?
            let surrender: Surrender?
        }
    }

    private struct LotRow: Sendable {
        let id: String
        let opening: Instant
        let openedAt: Instant?
    }

    /// Which policy and payment may stand beside each other at rest.
    private static let together: [String: Set<String>] = [
        "none": ["none", "awaiting", "failed", "refunded"], "sealed": ["paid"], "open": ["paid"],
        "surrendered": ["refunded"], "issue_failed": ["refunded"],
    ]

    func violations() async throws -> [Violation] {
        try await states() + money() + policies() + returns()
    }

    private func orders() async throws -> [OrderRow] {
        try await order.read { transaction in
            try transaction.rows(
                "SELECT id, lot, enterprise, application, payment, policy, details FROM insurance_order"
            ).map { row in
                let details: String = try row["details"]
                return OrderRow(
                    id: try row["id"], lot: try row["lot"], enterprise: try row["enterprise"],
                    application: try row["application"], payment: try row["payment"], policy: try row["policy"],
                    details: try StrictJSON.decode(
                        OrderRow.Details.self, from: Array(details.utf8), rules: .services))
            }
        }
    }

    /// Each order is in a state that the model allows, and no refund came behind the opening.
    private func states() async throws -> [Violation] {
        var found: [Violation] = []
        var live: [String: Int] = [:]
        var lots: [String: LotRow] = [:]
        for lot in try await order.read({ transaction in
            try transaction.rows("SELECT id, opening, opened_at FROM lot").map { row in
                LotRow(id: try row["id"], opening: try row["opening"], openedAt: try row["opened_at"])
            }
        }) {
            lots[lot.id] = lot
        }
        for order in try await orders() {
            if Self.together[order.policy]?.contains(order.payment) != true {
                found.append(
                    Violation(order: order.id, description: "policy \(order.policy) beside payment \(order.payment)"))
            }
            if ["issued", "approved"].contains(order.application) != (order.policy != "none"),
                !(order.application == "approved" && order.policy == "none")
            {
                found.append(
                    Violation(
                        order: order.id, description: "application \(order.application) beside policy \(order.policy)"))
            }
            if ["sealed", "open"].contains(order.policy) { live["\(order.enterprise) \(order.lot)", default: 0] += 1 }
            if let decidedAt = order.details.surrender?.decidedAt, let lot = lots[order.lot] {
                if decidedAt >= lot.opening || lot.openedAt.map({ decidedAt > $0 + .minutes(4) }) == true {
                    found.append(Violation(order: order.id, description: "given back after the opening"))
                }
            }
        }
        for (pair, count) in live where count > 1 {
            found.append(Violation(order: nil, description: "\(count) live policies for \(pair)"))
        }
        return found
    }

    /// The books balance, agree with the bank and with the insurers, and nothing is left in between.
    private func money() async throws -> [Violation] {
        var balances: [String: Int64] = [:]
        let transfers = try await payment.read { transaction in
            try transaction.rows("SELECT debit, credit, SUM(amount) AS sum FROM transfer GROUP BY debit, credit").map {
                row -> (String, String, Int64) in (try row["debit"], try row["credit"], try row["sum"])
            }
        }
        for (debit, credit, sum) in transfers {
            balances[debit, default: 0] += sum
            balances[credit, default: 0] -= sum
        }
        var found: [Violation] = []
        func expect(_ account: String, _ amount: Int64, _ why: String) {
            let balance = balances[account] ?? 0
            if balance != amount {
                found.append(
                    Violation(order: nil, description: "\(account) is \(balance) fen where \(why) says \(amount)"))
            }
        }
        if balances.values.reduce(0, +) != 0 {
            found.append(Violation(order: nil, description: "the books do not balance"))
        }
        for account in ["suspense", "bidder_clearing", "returns_payable", "refunds_payable"] {
            expect(account, 0, "rest")
        }
        let movements = try await movements()
        expect("bank", movements.reduce(0) { $0 + ($1.isIncoming ? $1.amount.fen : -$1.amount.fen) }, "the bank")
        let books = try await books()
        var owed: [String: Int64] = [:]
        for order in try await orders() where ["sealed", "open"].contains(order.policy) {
            guard let quote = order.details.quote, let insurer = order.details.insurer else { continue }
            owed[insurer.id, default: 0] += quote.premium.fen - (quote.commission?.fen ?? 0)
        }
        for account in Set(balances.keys.filter { $0.hasPrefix("insurer:") }).union(owed.keys.map { "insurer:\($0)" }) {
            expect(account, -(owed[String(account.dropFirst(8))] ?? 0), "the insurer's live policies")
        }
        for (account, amount) in books { expect(account, -amount, "the party's own book") }
        return found
    }

    /// What insurers and providers have in their books, by account of ours.
    private func books() async throws -> [String: Int64] {
        let lines: [(party: String, line: Settlement)] = try await sandbox.read { transaction in
            try transaction.rows("SELECT party, details FROM settlement").map { row in
                (try row["party"], (try row["details"] as JSONColumn<Settlement>).value)
            }
        }
        var sums: [String: Int64] = [:]
        for (party, line) in lines {
            let sign: Int64 = line.kind == .premium ? 1 : -1
            if party == Party.insurer.rawValue {
                sums["insurer:\(line.insurer)", default: 0] += sign * line.insurerShare.fen
            } else {
                sums["provider:\(line.provider)", default: 0] += sign * line.providerShare.fen
                sums["tax", default: 0] += sign * line.tax.fen
            }
        }
        return sums
    }

    private func movements() async throws -> [BankMovement] {
        try await sandbox.read { transaction in
            try transaction.rows("SELECT details FROM movement ORDER BY number").map { row in
                (try row["details"] as JSONColumn<BankMovement>).value
            }
        }
    }

    /// No policy without its premium, and none both opened and given back.
    private func policies() async throws -> [Violation] {
        var found: [Violation] = []
        let records: [(kind: String, key: String, value: String)] = try await sandbox.read { transaction in
            try transaction.rows(
                "SELECT kind, key, value FROM record WHERE kind IN ('policy', 'endorsement', 'surrender')"
            ).map { (try $0["kind"], try $0["key"], try $0["value"]) }
        }
        let endorsed = Set(records.filter { $0.kind == "endorsement" }.map(\.key))
        let received: [String: Int64] = try await payment.read { transaction in
            Dictionary(
                uniqueKeysWithValues: try transaction.rows("SELECT order_id, received FROM payment_order").map { row in
                    (try row["order_id"], try row["received"])
                })
        }
        let doneRefunds: Set<String> = try await refund.read { transaction in
            Set(try transaction.rows("SELECT order_id FROM refund WHERE state = 'done'").map { try $0["order_id"] })
        }
        for record in records where record.kind == "policy" {
            let policy = try StrictJSON.decode(IssuedPolicy.self, from: Array(record.value.utf8), rules: .services)
            if received[record.key] ?? 0 == 0 {
                found.append(Violation(order: record.key, description: "a policy that nobody paid"))
            }
            if endorsed.contains(policy.number), doneRefunds.contains(record.key) {
                found.append(Violation(order: record.key, description: "a policy both opened and given back"))
            }
        }
        return found
    }

    /// What came in was applied or went back, whole and once; what was refunded went out once.
    private func returns() async throws -> [Violation] {
        var found: [Violation] = []
        let movements = try await movements()
        let out = Dictionary(
            grouping: movements.filter { !$0.isIncoming && $0.amount > .zero }, by: \.purpose
        ).mapValues { $0.map(\.amount.fen) }
        let credits: [(transaction: String, order: String?, amount: Int64, outcome: String)] = try await payment.read {
            try $0.rows(
                """
                SELECT bank_transaction, payment_order.order_id AS order_id, credit.amount AS amount, outcome
                FROM credit LEFT JOIN payment_order ON payment_order.id = credit.payment_order
                """
            ).map { (try $0["bank_transaction"], try $0["order_id"], try $0["amount"], try $0["outcome"]) }
        }
        let known = Set(credits.map(\.transaction))
        let incoming = movements.filter(\.isIncoming)
        for movement in incoming where !known.contains(movement.transaction) {
            found.append(Violation(order: nil, description: "\(movement.transaction) came in and is not booked"))
        }
        if credits.count != incoming.count {
            found.append(Violation(order: nil, description: "\(credits.count) credits for \(incoming.count) movements"))
        }
        for credit in credits {
            let back = out["退回 \(credit.transaction)"] ?? []
            if back != (credit.outcome == "applied" ? [] : [credit.amount]) {
                found.append(
                    Violation(
                        order: credit.order,
                        description: "\(credit.transaction) \(credit.outcome): \(credit.amount) in, \(back) back"))
            }
        }
        let orders: [(order: String, reference: String, received: Int64, returned: Int64)] = try await payment.read {
            try $0.rows("SELECT order_id, reference, received, returned FROM payment_order").map {
                (try $0["order_id"], try $0["reference"], try $0["received"], try $0["returned"])
            }
        }
        for order in orders {
            let back = (out["退保 \(order.reference)"] ?? []) + (out["退回 \(order.reference)"] ?? [])
            if back.reduce(0, +) != order.returned || order.returned > order.received {
                found.append(
                    Violation(
                        order: order.order,
                        description: "received \(order.received), returned \(order.returned), paid out \(back)"))
            }
        }
        return found
    }
}
