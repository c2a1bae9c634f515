import Contracts
import Foundation
import SwiftCSV

/// Books as files. The last line counts the lines and adds the amounts up, so that a file that was cut off is noticed.
enum BookFile {
    static let bankHeader = [
        "transaction", "direction", "amount", "reference", "payer_name", "payer_account", "payer_bank",
        "is_basic_account", "at",
    ]
    static let settlementHeader = [
        "id", "kind", "order", "policy_number", "insurer", "provider", "insurer_share", "provider_share", "tax", "at",
    ]
    static let reportHeader = [
        "break", "side", "kind", "subject", "direction", "ours", "theirs", "repair", "approvals", "first_seen_at",
        "age_days",
    ]
    private static let total = "total"

    // MARK: Reading

    /// A bank's statement.
    ///
    /// - Throws: ``ProblemCode/invalidField`` with the line that is wrong.
    static func movements(_ bytes: [UInt8]) throws -> [Movement] {
        let rows = try rows(bytes, bankHeader, amounts: ["amount"])
        return try rows.map { number, row in
            try line(number) {
                let amount = try Money(field(row, "amount"))
                let isOutgoing: Bool
                switch try field(row, "direction") {
                case "in": isOutgoing = false
                case "out": isOutgoing = true
                default: throw InvalidValue("direction is in or out")
                }
                let transaction = try field(row, "transaction")
                let at = try Instant(field(row, "at"))
                var movement = Movement(transaction: transaction, isOutgoing: isOutgoing, amount: amount, at: at)
                if !isOutgoing, amount > .zero, let name = row["payer_name"], !name.isEmpty {
                    movement.credit = Credit(
                        transaction: transaction, amount: amount, reference: row["reference"] ?? "",
                        payer: AccountReference(
                            name: try Words(name), number: try AccountNumber(field(row, "payer_account")),
                            bank: try Words(field(row, "payer_bank")), branch: nil),
                        isBasicAccount: row["is_basic_account"] == "yes", at: at)
                }
                return movement
            }
        }
    }

    /// A book of settlements.
    static func settlements(_ bytes: [UInt8]) throws -> [Settlement] {
        let rows = try rows(bytes, settlementHeader, amounts: ["insurer_share", "provider_share", "tax"])
        return try rows.map { number, row in
            try line(number) {
                guard let kind = Settlement.Kind(rawValue: try field(row, "kind")) else {
                    throw InvalidValue("kind is premium or refund")
                }
                return Settlement(
                    id: try MessageID(field(row, "id")), kind: kind, order: try OrderID(field(row, "order")),
                    policyNumber: try field(row, "policy_number"), insurer: try field(row, "insurer"),
                    provider: try field(row, "provider"), insurerShare: try Money(field(row, "insurer_share")),
                    providerShare: try Money(field(row, "provider_share")), tax: try Money(field(row, "tax")),
                    at: try Instant(field(row, "at")))
            }
        }
    }

    private static func rows(
        _ bytes: [UInt8], _ header: [String], amounts: [String]
    ) throws -> [(number: Int, row: [String: String])] {
        guard let text = text(bytes) else { throw Problem(.invalidField, "neither UTF-8 nor GB 18030") }
        let csv: CSV<Named>
        do {
            csv = try CSV<Named>(string: text, delimiter: .comma)
        } catch {
            throw Problem(.invalidField, "the file is not CSV")
        }
        guard csv.header == header else {
            throw Problem(.invalidField, "the header must be \(header.joined(separator: ","))")
        }
        guard let last = csv.rows.last, last[header[0]] == total else {
            throw Problem(.invalidField, "the last line, which counts the others, is missing: the file was cut off")
        }
        let rows = csv.rows.dropLast().enumerated().map { ($0 + 2, $1) }
        guard last[header[1]] == String(rows.count) else {
            throw Problem(.invalidField, "there are \(rows.count) lines, the last one counts \(last[header[1]] ?? "")")
        }
        for column in amounts {
            let sum = try rows.reduce(Money.zero) { sum, row in
                try line(row.0) { sum + (try Money(field(row.1, column))) }
            }
            guard last[column] == sum.text else {
                throw Problem(.invalidField, "\(column) adds up to \(sum), the last line says \(last[column] ?? "")")
            }
        }
        guard Set(rows.compactMap { $0.1[header[0]] }).count == rows.count else {
            throw Problem(.invalidField, "a \(header[0]) stands there twice")
        }
        return rows.map { (number: $0.0, row: $0.1) }
    }

    private static func field(_ row: [String: String], _ name: String) throws(InvalidValue) -> String {
        guard let value = row[name], !value.isEmpty else { throw InvalidValue("\(name) is missing") }
        return value
    }

    private static func line<Value>(_ number: Int, _ read: () throws -> Value) throws -> Value {
        do {
            return try read()
        } catch let error as InvalidValue {
            throw Problem(.invalidField, "line \(number): \(error)")
        }
    }

    /// Banks' programs write GB 18030 as often as UTF-8.
    private static func text(_ bytes: [UInt8]) -> String? {
        let data = Data(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes)
        // Core Foundation's number of the encoding, as Foundation counts it.
        let gb18030 = String.Encoding(rawValue: 0x8000_0632)
        return String(data: data, encoding: .utf8) ?? String(data: data, encoding: gb18030)
    }

    // MARK: Writing

    static func report(_ breaks: [BookBreak]) -> [UInt8] {
        var lines = [reportHeader]
        for item in breaks {
            lines.append([
                item.id.text, item.side.rawValue, item.kind.rawValue, item.subject, item.isOutgoing ? "out" : "in",
                item.ours.text, item.theirs.text, item.repair.rawValue, String(item.approvals), item.firstSeenAt.text,
                String(item.ageDays),
            ])
        }
        // With a byte order mark, by which spreadsheets know UTF-8.
        return [0xEF, 0xBB, 0xBF] + lines.map { $0.map(escaped).joined(separator: ",") + "\r\n" }.joined().utf8
    }

    private static func escaped(_ field: String) -> String {
        field.contains { $0 == "," || $0 == "\"" || $0.isNewline }
            ? "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : field
    }
}
