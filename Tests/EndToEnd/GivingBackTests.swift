import Contracts
import Foundation
import Testing

@testable import Baohan

@Suite("R. Giving it back")
struct GivingBackTests {
    @Test("R1 R4 R5 R6: withdrawn before the opening, the whole premium goes back and the policy ends")
    func withdrawn() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        let refund = try await bidder.requestRefund(order.id, .withdrawn)
        #expect(refund.state == .accountPending && refund.ground == .withdrawn && refund.amount?.text == "200.00")
        #expect(refund.rulesVersion == "xuancheng-2026-1" && refund.payer == bidder.sample.registered.basicAccount)
        // Stopped the moment it was asked for, and asked for again it is the same refund.
        #expect(try await bidder.order(order.id).policy == .surrendering)
        #expect(try await bidder.requestRefund(order.id, .withdrawn).id == refund.id)
        let filled = try await bidder.fillAccount(refund.id)
        #expect(filled.account == refund.payer)
        try await bidder.wait(refund.id, until: .done)
        let done = try await bidder.wait(order.id, "surrendered") { $0.policy == .surrendered }
        #expect(done.payment == .refunded)
        let back = try await world.sandbox.call(.movements).filter {
            !$0.isIncoming && $0.counterpart == bidder.sample.registered.basicAccount
        }
        #expect(back.map(\.amount.text) == ["200.00"])
        _ = try await eventually("the SMS") {
            try await world.messages(to: bidder.sample.handler.mobile).first { $0.contains("退保成功") }
        }
        // The lot is free for another application.
        _ = try await bidder.order(for: lot.id)
    }

    @Test(
        "R1 R2: suspended and terminated projects are refunded",
        arguments: [(TenderState.Event.suspend, SurrenderReason.suspended), (.terminate, .terminated)])
    func projectStops(_ event: TenderState.Event, _ ground: SurrenderReason) async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        try await world.move(lot.id, event)
        let refund = try await bidder.requestRefund(order.id, .withdrawn)
        #expect(refund.ground == ground)
        _ = try await bidder.fillAccount(refund.id)
        try await bidder.wait(refund.id, until: .done)
    }

    @Test("R3: after the opening nothing is refunded")
    func afterOpening() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        try await world.move(lot.id, .openBids)
        await refused(.refundAfterOpening) { try await bidder.requestRefund(order.id, .withdrawn) }
        try await bidder.wait(order.id, "open") { $0.policy == .open }
        await refused(.refundAfterOpening) { try await bidder.requestRefund(order.id, .withdrawn) }
    }

    @Test("R3: refunds race the opening: each policy is either stopped or opened, never both")
    func race() async throws {
        let world = try await TestDeployment.world
        let lot = try await Given.lot(in: world)
        var bidders: [(Agent, OrderDetails)] = []
        for _ in 0..<8 {
            let bidder = try await Given.preparedBidder(in: world)
            bidders.append((bidder, try await bidder.paidOrder(for: lot.id)))
        }
        let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
            for (index, (bidder, order)) in bidders.enumerated() {
                group.addTask { (index, (try? await bidder.requestRefund(order.id, .withdrawn)) != nil) }
            }
            group.addTask {
                _ = try? await world.move(lot.id, .openBids)
                return (-1, false)
            }
            return await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
        }
        for (index, (bidder, order)) in bidders.enumerated() {
            let isRefunded = outcomes[index] == true
            let settled = try await bidder.wait(order.id, "settled") {
                isRefunded ? $0.policy == .surrendering : $0.policy == .open
            }
            #expect(settled.policy == (isRefunded ? .surrendering : .open))
        }
    }

    @Test("R5: an account in another name is refused; another one of the bidder's own is paid")
    func accounts() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        let refund = try await bidder.requestRefund(order.id, .withdrawn)
        let stranger = try Given.newBidder(named: "别人").registered.basicAccount
        await refused(.accountNameDiffers) { try await bidder.fillAccount(refund.id, stranger) }
        let own = try bidder.otherAccount()
        _ = try await bidder.fillAccount(refund.id, own)
        try await bidder.wait(refund.id, until: .done)
        #expect(try await world.sandbox.call(.movements).contains { !$0.isIncoming && $0.counterpart == own })
    }

    @Test("R6: an insurer that refuses revives the policy, which then opens like the others")
    func revived() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        let refund = try await bidder.requestRefund(order.id, .withdrawn)
        try await world.sandbox.call(.addFault, Given.fault("insurer.surrender", .refuse, about: refund.id.text))
        _ = try await bidder.fillAccount(refund.id)
        try await bidder.wait(refund.id, until: .rejected)
        try await bidder.wait(order.id, "revived") { $0.policy == .sealed }
        try await world.move(lot.id, .openBids)
        try await bidder.wait(order.id, "open") { $0.policy == .open }
    }

    @Test("R6: a payout that the bank refuses waits for another account, and is then paid once")
    func failedPayout() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        let refund = try await bidder.requestRefund(order.id, .withdrawn)
        try await world.sandbox.call(
            .addFault, Given.fault("bank.payout", .refuse, about: bidder.sample.registered.basicAccount.number.text))
        _ = try await bidder.fillAccount(refund.id)
        try await bidder.wait(refund.id, until: .payoutFailed)
        let own = try bidder.otherAccount()
        _ = try await bidder.fillAccount(refund.id, own)
        try await bidder.wait(refund.id, until: .done)
        let paid = try await world.sandbox.call(.movements).filter {
            !$0.isIncoming && $0.counterpart.name == own.name && $0.amount > .zero
        }
        #expect(paid.count == 1 && paid.first?.counterpart == own)
    }
}
