import Contracts
import DevelopmentDatabase
import Foundation
import Persistence
import Testing

@testable import Payment

@Suite("Reconciliation")
struct ReconciliationTests {
    // MARK: Comparing

    private func movement(_ transaction: String, _ amount: Int64, isOutgoing: Bool = false) -> Movement {
        Movement(transaction: transaction, isOutgoing: isOutgoing, amount: Money(fen: amount))
    }

    @Test("what one side has and the other has not, or otherwise, is a break with a repair")
    func bank() throws {
        var known = movement("B3", 300)
        known.credit = Credit(
            transaction: "B3", amount: Money(fen: 300), reference: "x", payer: try account(), isBasicAccount: true,
            at: noon)
        let found = differences(
            bank: [movement("B1", 100), movement("B2", 250), known, movement("B4", 400, isOutgoing: true)],
            ledger: [movement("B1", 100), movement("B2", 200), movement("B5", 500, isOutgoing: true)])
        #expect(found.map(\.subject) == ["B3", "B4", "B2", "B5"])
        #expect(found.map(\.kind) == [.notInLedger, .notInLedger, .amountDiffers, .notInTheirBook])
        #expect(found.map(\.repair) == [.bookCredit, .bookToSuspense, .bookToSuspense, .askThem])
    }

    private func settlement(_ share: Int64 = 17_600, id: MessageID = MessageID()) -> Settlement {
        Settlement(
            id: id, kind: .premium, order: OrderID(), policyNumber: "PTB1", insurer: "huian", provider: "gongbao",
            insurerShare: Money(fen: share), providerShare: Money(fen: 2_264), tax: Money(fen: 136), at: noon)
    }

    @Test("the parties' books", arguments: [BookSide.insurer, .provider])
    func books(_ side: BookSide) {
        let (lost, same, stray) = (settlement(), settlement(), settlement())
        let other = settlement()
        let told = Settlement(
            id: other.id, kind: .premium, order: other.order, policyNumber: "PTB1", insurer: "huian",
            provider: "gongbao", insurerShare: Money(fen: 1), providerShare: Money(fen: 1), tax: .zero, at: noon)
        let found = differences(side, book: [same, other, stray], ours: [lost, same, told])
        #expect(found.map(\.kind) == [.notInTheirBook, .amountDiffers, .notInLedger])
        #expect(found.map(\.repair) == [.tellAgain, .askThem, .askThem])
    }

    // MARK: Files

    private static let header = BookFile.bankHeader.joined(separator: ",") + "\n"
    private static let line = "B1,in,200.00,BH1,宣城建设,13170900,工商银行,yes,2026-11-24T08:00:00Z\n"

    @Test("a statement is read in UTF-8, with and without its mark, and in GB 18030")
    func encodings() throws {
        let text = Self.header + Self.line + "total,1,200.00,,,,,,\n"
        let gb = try #require(text.data(using: String.Encoding(rawValue: 0x8000_0632)))
        for bytes in [Array(text.utf8), [0xEF, 0xBB, 0xBF] + Array(text.utf8), [UInt8](gb)] {
            let movements = try BookFile.movements(bytes)
            #expect(movements == [movement("B1", 20_000)])
            #expect(movements.first?.credit?.payer.name.text == "宣城建设")
        }
    }

    @Test(
        "a statement that is cut off, doubled, miscounted or not one is refused",
        arguments: [
            "", "B1,in,200.00", header, header + line, header + line + "total,2,200.00,,,,,,\n",
            header + line + "total,1,200.01,,,,,,\n", header + line + line + "total,2,400.00,,,,,,\n",
            header + line.replacingOccurrences(of: "200.00", with: "-200.00") + "total,1,-200.00,,,,,,\n",
            header + line.replacingOccurrences(of: "200.00", with: "2e2") + "total,1,200.00,,,,,,\n",
            header + line.replacingOccurrences(of: "200.00", with: "200.001") + "total,1,200.00,,,,,,\n",
            header + line.replacingOccurrences(of: "200.00", with: "99999999999999999999.00") + "total,1,1.00,,,,,,\n",
            header + line.replacingOccurrences(of: ",in,", with: ",sideways,") + "total,1,200.00,,,,,,\n",
            header + line.replacingOccurrences(of: "2026-11-24T08:00:00Z", with: "yesterday")
                + "total,1,200.00,,,,,,\n",
        ])
    func badFiles(_ text: String) {
        #expect(throws: Problem.self) { try BookFile.movements(Array(text.utf8)) }
    }

    @Test("bytes at random are refused and bring nothing down")
    func randomFiles() {
        var generator = SystemRandomNumberGenerator()
        let valid = Array((Self.header + Self.line + "total,1,200.00,,,,,,\n").utf8)
        for _ in 0..<2_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? BookFile.movements(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))))
        }
    }

    // MARK: Breaks and repairs

    private func compare(_ books: Books, at now: Instant = noon + .hours(1)) async throws -> [BookBreak] {
        try await books.store.compare(until: now, at: now).breaks
    }

    private func approve(_ books: Books, _ id: BreakID, by person: EnterpriseID) async throws -> BookBreak {
        try await books.store.approveRepair(
            of: id, by: person, rules: books.rules, at: noon + .hours(1), key: Books.key())
    }

    @Test("money that the bank has and we have not is booked once two people say so", arguments: DatabaseKind.allCases)
    func lostCredit(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let (request, details) = try await books.order()
        let credit = try books.credit(details, "B1")
        var line = movement("B1", 20_000)
        line.credit = credit
        try await books.store.keep([line], at: noon)
        let found = try #require(try await compare(books).first)
        #expect(found.kind == .notInLedger && found.repair == .bookCredit && found.ageDays == 0)
        let later = try #require(try await compare(books, at: noon + .days(3)).first)
        #expect(later.id == found.id && later.ageDays == 3)
        let one = EnterpriseID()
        #expect(try await approve(books, found.id, by: one).state == .open)
        await refused(.secondPersonNeeded) { try await approve(books, found.id, by: one) }
        #expect(try await approve(books, found.id, by: EnterpriseID()).state == .repaired)
        #expect(try await books.store.paymentOrder(details.instruction.paymentOrder)?.received == request.amount)
        #expect(try await compare(books).isEmpty)
        await refused(.wrongState) { try await approve(books, found.id, by: EnterpriseID()) }
    }

    @Test(
        "what left the bank without us, or otherwise than we say, stands in suspense after the repair",
        arguments: DatabaseKind.allCases)
    func suspense(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let (_, details) = try await books.order()
        try await books.book(try books.credit(details, "B1"))
        try await books.store.keep([movement("B1", 20_050), movement("B2", 700, isOutgoing: true)], at: noon)
        for item in try await compare(books) {
            for _ in 0..<2 { _ = try await approve(books, item.id, by: EnterpriseID()) }
        }
        // 0.50 more came in, 7.00 went out.
        #expect(try await books.balance(.bank) == Money(fen: 20_050 - 700))
        #expect(try await books.balance(.suspense) == Money(fen: 700 - 50))
        #expect(try await books.total() == .zero)
        #expect(try await compare(books).isEmpty)
    }

    @Test(
        "a party that lost our word is told again; one that loses it twice is a break anew",
        arguments: DatabaseKind.allCases)
    func toldAgain(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        _ = try await books.earnedOrder()
        try await books.store.keep(
            try await books.store.database.read { transaction in
                try transaction.rows("SELECT details FROM settlement").map {
                    (try $0["details"] as JSONColumn<Settlement>).value
                }
            }, of: .provider)
        let bank: [Movement] = try await books.store.database.read { transaction in
            try transaction.rows("SELECT bank_transaction, amount FROM credit").map {
                Movement(transaction: try $0["bank_transaction"], isOutgoing: false, amount: try $0["amount"])
            }
        }
        try await books.store.keep(bank, at: noon)
        let found = try await compare(books)
        #expect(found.map(\.side) == [.insurer] && found.first?.repair == .tellAgain)
        let id = try #require(found.first?.id)
        for _ in 0..<2 { _ = try await approve(books, id, by: EnterpriseID()) }
        #expect(try await books.messages().filter { $0 == "settlement to insurer" }.count == 2)
        let again = try await compare(books, at: noon + .hours(2))
        #expect(again.map(\.id) == [id] && again.first?.approvals == 0)
        let report = String(decoding: BookFile.report(again), as: UTF8.self)
        #expect(report.contains("\(id),insurer,not_in_their_book,"))
    }

    @Test("one replica a day begins by itself", arguments: DatabaseKind.allCases)
    func daily(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let claims = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { try await books.store.claimDay(noon.day, at: noon) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(claims.filter { $0 }.count == 1)
        #expect(try await books.store.claimDay((noon + .days(1)).day, at: noon))
    }

    @Test(
        "what bounced, and what was paid twice, is known to the ledger as the bank has it",
        arguments: DatabaseKind.allCases)
    func bounced(_ kind: DatabaseKind) async throws {
        let books = try await Books(kind)
        let (_, details) = try await books.order()
        try await books.book(try books.credit(details, "B1", amount: 777))
        let payout = try #require(try await books.payouts().first)
        try await books.settle(payout.id, isDone: true, as: "B2")
        try await books.settle(payout.id, isDone: false, isConfirmed: true, as: "B3")
        let bank = [movement("B1", 777), movement("B2", 777, isOutgoing: true), movement("B3", 777)]
        try await books.store.keep(bank, at: noon)
        #expect(try await compare(books).isEmpty)
        // The other way round than we have it: twice the amount is missing.
        try await books.store.keep([movement("B3", 777, isOutgoing: true)], at: noon)
        let found = try #require(try await compare(books).first)
        #expect(found.kind == .amountDiffers)
        for _ in 0..<2 { _ = try await approve(books, found.id, by: EnterpriseID()) }
        #expect(try await books.balance(.bank) == Money(fen: -777))
        #expect(try await compare(books).isEmpty)
        #expect(try await books.total() == .zero)
    }
}
