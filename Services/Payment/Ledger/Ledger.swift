import Contracts
import Persistence

/// Accounts of the ledger. A positive balance is a debit: what we have; a negative one what we owe.
enum LedgerAccount: Hashable, Sendable {
    /// The platform's account at the bank.
    case bank
    /// Money of unknown or wrong origin, until it is known what becomes of it.
    case suspense
    /// Premiums of bidders whose policy is not issued yet.
    case bidderClearing
    /// What is owed to an insurer for policies that it issued.
    case insurer(String)
    /// What is owed to a provider for its part, without the tax inside it.
    case provider(String)
    /// Value-added tax inside the providers' parts.
    case tax
    /// Money on its way back to where it came from (A9).
    case returnsPayable
    /// Refunds that were granted and are on their way (R6).
    case refundsPayable

    var code: String {
        switch self {
        case .bank: "bank"
        case .suspense: "suspense"
        case .bidderClearing: "bidder_clearing"
        case .insurer(let id): "insurer:\(id)"
        case .provider(let id): "provider:\(id)"
        case .tax: "tax"
        case .returnsPayable: "returns_payable"
        case .refundsPayable: "refunds_payable"
        }
    }

    /// Those that the trial balance shows even while nothing was booked on them.
    static let standing: [LedgerAccount] = [.bank, .suspense, .bidderClearing, .tax, .returnsPayable, .refundsPayable]
}

extension LedgerAccount: SQLRepresentable {
    var sql: SQLValue { .text(code) }

    init(sql: SQLValue) throws {
        let code = try String(sql: sql)
        let parts = code.split(separator: ":", maxSplits: 1).map(String.init)
        if let standing = Self.standing.first(where: { $0.code == code }) {
            self = standing
        } else if parts.count == 2, parts[0] == "insurer" {
            self = .insurer(parts[1])
        } else if parts.count == 2, parts[0] == "provider" {
            self = .provider(parts[1])
        } else {
            throw CorruptColumn(description: "not an account of the ledger")
        }
    }
}

/// How a premium is divided once its policy is issued: the provider's part without its tax, the tax, and the rest for the
/// insurer. Kept per order, so that a refund takes back from each exactly what it got.
struct PremiumShares: Equatable, Sendable {
    var insurer: Money
    var provider: Money
    var tax: Money

    var total: Money { insurer + provider + tax }

    init(insurer: Money, provider: Money, tax: Money) {
        self.insurer = insurer
        self.provider = provider
        self.tax = tax
    }

    /// - Parameter commission: with the tax inside it; never more than `premium`.
    init(of premium: Money, commission: Money, vatPercent: Int64) {
        let commission = min(max(commission, .zero), premium)
        let (net, tax) = commission.splitVAT(percent: vatPercent)
        self.init(insurer: premium - commission, provider: net, tax: tax)
    }

    /// The part of each that a return of `amount` takes: in proportion, rounded, and all of it when all goes back.
    func part(_ amount: Money) -> PremiumShares {
        precondition(amount >= .zero && amount <= total, "nobody gives back more than there is")
        guard total > .zero else { return self }
        let provider = min(provider.share(amount.fen, of: total.fen), amount)
        let tax = min(tax.share(amount.fen, of: total.fen), amount - provider)
        let rest = amount - provider - tax
        // Rounding may ask the insurer for a fen or two more than it has left.
        let missing = max(rest - insurer, .zero)
        let more = min(missing, self.provider - provider)
        return PremiumShares(
            insurer: rest - missing, provider: provider + more, tax: tax + (missing - more))
    }

    static func - (left: PremiumShares, right: PremiumShares) -> PremiumShares {
        PremiumShares(
            insurer: left.insurer - right.insurer, provider: left.provider - right.provider, tax: left.tax - right.tax)
    }
}

extension Transaction {
    /// Moves `amount` from `credit` to `debit`: one row, so that debits and credits cannot differ. Nothing is booked for
    /// nothing.
    ///
    /// - Parameter movement: the bank's number of the movement that this is our side of; needed where the bank is.
    func transfer(
        _ amount: Money, debit: LedgerAccount, credit: LedgerAccount, order: OrderID?, for subject: String,
        as movement: String? = nil, at now: Instant
    ) throws {
        precondition(amount >= .zero && debit != credit, "a transfer moves an amount between two accounts")
        precondition(
            (debit == .bank || credit == .bank) == (movement != nil), "what moves at the bank has the bank's number")
        guard amount > .zero else { return }
        try execute(
            """
            INSERT INTO transfer (debit, credit, amount, order_id, subject, bank_transaction, at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """, debit, credit, amount, order, subject, movement, now)
    }
}

/// Reading the books.
extension Store {
    private static let largestPage = 500

    /// Both sides of every account; their sums are equal because every transfer stands on both.
    func trialBalance() async throws -> [AccountBalance] {
        try await database.read { transaction in
            var debits: [String: Money] = [:]
            var credits: [String: Money] = [:]
            for row in try transaction.rows("SELECT debit AS account, SUM(amount) AS sum FROM transfer GROUP BY debit")
            {
                debits[try row["account"]] = try row["sum"]
            }
            for row in try transaction.rows(
                "SELECT credit AS account, SUM(amount) AS sum FROM transfer GROUP BY credit")
            {
                credits[try row["account"]] = try row["sum"]
            }
            let standing = LedgerAccount.standing.map(\.code)
            let others = Set(debits.keys).union(credits.keys).subtracting(standing).sorted()
            return (standing + others).map { account in
                AccountBalance(
                    account: account, debit: debits[account] ?? .zero, credit: credits[account] ?? .zero)
            }
        }
    }

    /// A statement of one account or of one order, oldest first.
    func ledgerEntries(_ query: LedgerQuery) async throws -> Page<LedgerEntry> {
        let limit = query.limit ?? 100
        guard (1...Self.largestPage).contains(limit) else {
            throw Problem(.invalidField, "must lie between 1 and \(Self.largestPage)", field: "/limit")
        }
        guard let after = Int64(query.cursor ?? "0") else {
            throw Problem(.invalidField, "is not a cursor of ours", field: "/cursor")
        }
        // Each half of an account's statement has its own index.
        let sources: [(String, any SQLRepresentable)]
        switch (query.account, query.order) {
        case (let account?, nil): sources = [("debit = ?", account), ("credit = ?", account)]
        case (nil, let order?): sources = [("order_id = ?", order)]
        default: throw Problem(.invalidField, "name either an account or an order")
        }
        return try await database.read { transaction in
            var entries: [LedgerEntry] = []
            for (condition, value) in sources {
                entries += try transaction.rows(
                    """
                    SELECT number, debit, credit, amount, order_id, subject, at FROM transfer
                    WHERE \(condition) AND number > ? ORDER BY number LIMIT ?
                    """, value, after, limit + 1
                ).map { row in
                    LedgerEntry(
                        number: try row["number"], debit: try row["debit"], credit: try row["credit"],
                        amount: try row["amount"], order: try row["order_id"], subject: try row["subject"],
                        at: try row["at"])
                }
            }
            entries.sort { $0.number < $1.number }
            let page = Array(entries.prefix(limit))
            return Page(items: page, next: entries.count > limit ? page.last.map { String($0.number) } : nil)
        }
    }
}
