// Bank, insurers, providers and our ledger, held against one another.

public enum ReconciliationKind: IdentifierKind { public static let prefix = "rec" }
public enum BreakKind: IdentifierKind { public static let prefix = "brk" }
/// One comparison of the books.
public typealias ReconciliationID = Identifier<ReconciliationKind>
/// Something on which two books differ.
public typealias BreakID = Identifier<BreakKind>

/// Whose book is held against ours.
public enum BookSide: String, Codable, Sendable, CaseIterable {
    case bank, insurer, provider
}

/// Compares the books. What a party did not send as a file is asked of its interface.
public struct Reconcile: Codable, Sendable {
    /// CSV in UTF-8 or GB 18030, in Base64; the headers stand in docs/money.md.
    public let bank: String?
    public let insurers: String?
    public let providers: String?

    public init(bank: String? = nil, insurers: String? = nil, providers: String? = nil) {
        self.bank = bank
        self.insurers = insurers
        self.providers = providers
    }
}

public struct Reconciliation: Codable, Sendable {
    public let id: ReconciliationID
    public let at: Instant
    /// How many lines of each side were compared.
    public let bankLines: Int
    public let insurerLines: Int
    public let providerLines: Int
    /// Those that are open now, oldest first.
    public let breaks: [BookBreak]

    public init(
        id: ReconciliationID, at: Instant, bankLines: Int, insurerLines: Int, providerLines: Int, breaks: [BookBreak]
    ) {
        self.id = id
        self.at = at
        self.bankLines = bankLines
        self.insurerLines = insurerLines
        self.providerLines = providerLines
        self.breaks = breaks
    }
}

public struct BookBreak: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// The other side has it, our ledger has not.
        case notInLedger = "not_in_ledger"
        /// Our ledger has it, the other side has not.
        case notInTheirBook = "not_in_their_book"
        case amountDiffers = "amount_differs"
    }

    /// What sets it right, once two people say so.
    public enum Repair: String, Codable, Sendable, CaseIterable {
        /// Book the money that came in, as if the bank's notice had come.
        case bookCredit = "book_credit"
        /// Book what moved at the bank against suspense, until its reason is known.
        case bookToSuspense = "book_to_suspense"
        /// Tell the party once more.
        case tellAgain = "tell_again"
        /// Nothing that we can do alone: the other side is asked.
        case askThem = "ask_them"
    }

    public enum State: String, Codable, Sendable, CaseIterable {
        case open
        /// Set right by two people.
        case repaired
        /// No longer there at a later comparison.
        case gone
    }

    public let id: BreakID
    public let side: BookSide
    public let kind: Kind
    /// The bank's number of the movement, or the settlement's ID.
    public let subject: String
    public let ours: Money
    public let theirs: Money
    /// Money that left, in the bank's book.
    public let isOutgoing: Bool
    public let repair: Repair
    public let state: State
    public let approvals: Int
    public let firstSeenAt: Instant
    public let ageDays: Int

    public init(
        id: BreakID, side: BookSide, kind: Kind, subject: String, ours: Money, theirs: Money, isOutgoing: Bool,
        repair: Repair, state: State, approvals: Int, firstSeenAt: Instant, ageDays: Int
    ) {
        self.id = id
        self.side = side
        self.kind = kind
        self.subject = subject
        self.ours = ours
        self.theirs = theirs
        self.isOutgoing = isOutgoing
        self.repair = repair
        self.state = state
        self.approvals = approvals
        self.firstSeenAt = firstSeenAt
        self.ageDays = ageDays
    }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == Reconcile, Reply == Reconciliation {
    public static var reconcile: Self { .repeatablePost("/v1/reconciliations", for: .parties(.tool)) }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == Nothing, Reply == [BookBreak] {
    /// Those that are open, oldest first.
    public static var breaks: Self { .get("/v1/reconciliation-breaks", for: .person(.platformOperator)) }
}

extension Endpoint where API == PaymentAPI, ID == BreakID, Request == Nothing, Reply == BookBreak {
    /// One operator's word for the proposed repair; the second one, another person, carries it out.
    public static var approveRepair: Self {
        .post("/v1/reconciliation-breaks/{id}/approvals", for: .person(.platformOperator))
    }
}

extension Endpoint where API == PaymentAPI, ID == Nothing, Request == Nothing, Reply == File {
    /// Open breaks for a finance clerk, as CSV.
    public static var reconciliationReport: Self { .get("/v1/reconciliation-report", for: .parties(.tool)) }
}
