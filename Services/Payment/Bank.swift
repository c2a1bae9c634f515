import Contracts
import ServiceRuntime

/// The bank (A9, R6).
struct Bank: Sendable {
    let client: Client<BankAPI>

    func collectionAccount() async throws -> AccountReference {
        try await client.call(.collectionAccount)
    }

    /// Pays out under `key`. After an attempt whose outcome is unknown the bank is asked first.
    func payOut(_ amount: Money, to account: AccountReference, purpose: String, key: MessageID, isRepeated: Bool)
        async throws
        -> BankPayoutStatus
    {
        if isRepeated {
            do {
                return try await client.call(.payoutStatus, key)
            } catch let problem as Problem where problem.code == .notFound {
                // The first attempt never arrived.
            }
        }
        return try await client.call(
            .payOut, BankPayout(key: key, amount: amount, to: account, purpose: purpose), key: key.text)
    }

    func statement(after position: Int) async throws -> BankStatement {
        try await client.call(.statement, StatementQuery(after: position))
    }
}
