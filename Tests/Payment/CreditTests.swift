import Contracts
import Testing

@testable import Payment

@Suite("Incoming money")
struct CreditTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var state = PaymentState.awaiting
        var requiresBasicAccount = true
        var amount: Int64 = 20_000
        var name = "安徽宏远(集团)公司"
        var number = "1317090009300012345"
        var isBasicAccount = true
        var at: Int64 = 0
        let expected: CreditDecision
    }

    static let cases = [
        Case(testDescription: "right, with the other brackets", expected: .apply),
        Case(testDescription: "in the last millisecond", at: 3_600_000, expected: .apply),
        Case(testDescription: "a millisecond late", at: 3_600_001, expected: .sendBack(.tooLate)),
        Case(testDescription: "after it was given up", state: .failed, expected: .sendBack(.tooLate)),
        Case(testDescription: "a second time", state: .paid, expected: .sendBack(.alreadyPaid)),
        Case(testDescription: "after the refund", state: .refunded, expected: .sendBack(.alreadyPaid)),
        Case(testDescription: "another company", name: "别的公司", expected: .sendBack(.otherPayer)),
        Case(testDescription: "another account", number: "99999999", expected: .sendBack(.notBasicAccount)),
        Case(testDescription: "not basic, says the bank", isBasicAccount: false, expected: .sendBack(.notBasicAccount)),
        Case(
            testDescription: "any account, where the region allows", requiresBasicAccount: false, number: "99999999",
            isBasicAccount: false, expected: .apply),
        Case(testDescription: "a fen short", amount: 19_999, expected: .sendBack(.wrongAmount)),
        Case(testDescription: "a fen more", amount: 20_001, expected: .sendBack(.wrongAmount)),
    ]

    @Test("A9: what pays and what goes back", arguments: cases)
    func decision(_ row: Case) throws {
        let order = PaymentOrder(
            id: PaymentOrderID(), order: OrderID(), enterprise: EnterpriseID(), payerName: try account().name,
            basicAccount: try account(), requiresBasicAccount: row.requiresBasicAccount, amount: Money(fen: 20_000),
            reference: "BH1", payTo: try account(), state: row.state, expiresAt: noon + .hours(1), payer: nil,
            region: "341800", payouts: nil, received: .zero, returned: .zero)
        let credit = Credit(
            transaction: "B1", amount: Money(fen: row.amount), reference: "BH1",
            payer: try account(row.name, row.number),
            isBasicAccount: row.isBasicAccount, at: noon + .milliseconds(row.at))
        #expect(decide(on: credit, for: order) == row.expected)
    }
}
