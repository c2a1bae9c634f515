import Contracts

/// One movement, as the bank has it or as our ledger has it.
struct Movement: Equatable, Sendable {
    /// The bank's number.
    let transaction: String
    let isOutgoing: Bool
    let amount: Money
    /// The bank's time; nil in our own ledger.
    var at: Instant?
    /// What is needed to book it; nil in our own ledger, and where the bank says too little.
    var credit: Credit?

    static func == (left: Movement, right: Movement) -> Bool {
        left.transaction == right.transaction && left.isOutgoing == right.isOutgoing && left.amount == right.amount
    }
}

/// Something on which two books differ, as the comparison finds it.
struct Difference: Equatable, Sendable {
    let side: BookSide
    let kind: BookBreak.Kind
    let subject: String
    let ours: Money
    let theirs: Money
    let isOutgoing: Bool
    let repair: BookBreak.Repair
}

/// Holds the bank's movements against ours.
func differences(bank: [Movement], ledger: [Movement]) -> [Difference] {
    let ours = Dictionary(ledger.map { ($0.transaction, $0) }) { first, _ in first }
    let theirs = Dictionary(bank.map { ($0.transaction, $0) }) { first, _ in first }
    var found: [Difference] = []
    for movement in bank where ours[movement.transaction] == nil {
        found.append(
            Difference(
                side: .bank, kind: .notInLedger, subject: movement.transaction, ours: .zero, theirs: movement.amount,
                isOutgoing: movement.isOutgoing,
                repair: movement.credit == nil ? .bookToSuspense : .bookCredit))
    }
    for movement in ledger {
        guard let other = theirs[movement.transaction] else {
            found.append(
                Difference(
                    side: .bank, kind: .notInTheirBook, subject: movement.transaction, ours: movement.amount,
                    theirs: .zero, isOutgoing: movement.isOutgoing, repair: .askThem))
            continue
        }
        if other.amount != movement.amount || other.isOutgoing != movement.isOutgoing {
            // What moved the other way is so much less than nothing.
            let ours = other.isOutgoing == movement.isOutgoing ? movement.amount : -movement.amount
            found.append(
                Difference(
                    side: .bank, kind: .amountDiffers, subject: movement.transaction, ours: ours,
                    theirs: other.amount, isOutgoing: other.isOutgoing, repair: .bookToSuspense))
        }
    }
    return found
}

/// Holds the book of insurers or providers against what we told them.
func differences(_ side: BookSide, book: [Settlement], ours told: [Settlement]) -> [Difference] {
    func amount(_ line: Settlement) -> Money { side == .insurer ? line.insurerShare : line.providerShare + line.tax }
    let theirs = Dictionary(book.map { ($0.id, $0) }) { first, _ in first }
    let ours = Dictionary(told.map { ($0.id, $0) }) { first, _ in first }
    var found: [Difference] = []
    func add(_ kind: BookBreak.Kind, _ line: Settlement, _ ours: Money, _ theirs: Money, _ repair: BookBreak.Repair) {
        found.append(
            Difference(
                side: side, kind: kind, subject: line.id.text, ours: ours, theirs: theirs,
                isOutgoing: line.kind == .refund, repair: repair))
    }
    for line in told {
        guard let other = theirs[line.id] else {
            add(.notInTheirBook, line, amount(line), .zero, .tellAgain)
            continue
        }
        if amount(other) != amount(line) || other.kind != line.kind {
            add(.amountDiffers, line, amount(line), amount(other), .askThem)
        }
    }
    for line in book where ours[line.id] == nil { add(.notInLedger, line, .zero, amount(line), .askThem) }
    return found
}
