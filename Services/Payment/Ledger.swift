import Contracts
import Persistence

/// Accounts of the ledger. A positive balance is a debit.
enum LedgerAccount: String, SQLRepresentable, CaseIterable {
    /// The platform's account at the bank.
    case bank
    /// Money that came in and is not judged yet.
    case suspense
    /// Premiums that belong to the insurers.
    case premiums
    /// Money on its way back to where it came from.
    case returnsPayable = "returns_payable"
    /// Refunds that were granted and are on their way (R6).
    case refundsPayable = "refunds_payable"
}

extension Transaction {
    /// Moves `amount` from `credit` to `debit`: one row, so that debits and credits cannot differ.
    func transfer(
        _ amount: Money, debit: LedgerAccount, credit: LedgerAccount, for subject: String, at now: Instant
    ) throws {
        precondition(amount > .zero && debit != credit, "a transfer moves a positive amount between two accounts")
        try execute(
            "INSERT INTO transfer (debit, credit, amount, subject, at) VALUES (?, ?, ?, ?, ?)", debit, credit, amount,
            subject, now)
    }
}
