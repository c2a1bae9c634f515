import Contracts
import ServiceRuntime

/// The bank (A9, R6).
struct Bank: Sendable {
    let client: Client<BankAPI>

    func collectionAccount() async throws -> AccountReference {
        try await client.call(.collectionAccount)
    }

    /// Pays out under `key`. After an attempt whose outcome is unknown the bank is asked first.
    func payOut(
        _ amount: Money, to account: AccountReference, purpose: String, key: MessageID, isRepeated: Bool
    ) async throws -> BankPayoutStatus {
        if isRepeated, let known = try await status(of: key) { return known }
        return try await client.call(
            .payOut, BankPayout(key: key, amount: amount, to: account, purpose: purpose), key: key.text)
    }

    /// What became of a payout; nil when the bank never heard of it.
    func status(of key: MessageID) async throws -> BankPayoutStatus? {
        do {
            return try await client.call(.payoutStatus, key)
        } catch let problem as Problem where problem.code == .notFound {
            return nil
        }
    }

    func statement(after position: Int) async throws -> BankStatement {
        try await client.call(.statement, StatementQuery(after: position))
    }
}
