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

@Suite("I. The invoice")
struct InvoiceTests {
    /// An order whose policy is open.
    private func openOrder(in world: World) async throws -> (Agent, OrderDetails) {
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        await refused(.invoiceBeforeOpening) { try await bidder.requestInvoice(order.id, .electronicOrdinary) }
        try await world.move(lot.id, .openBids)
        return (bidder, try await bidder.wait(order.id, "open") { $0.policy == .open })
    }

    @Test("I1 I2 I3: after the opening the electronic invoice is issued, downloaded and verified, once per order")
    func electronic() async throws {
        let world = try await TestDeployment.world
        let (bidder, order) = try await openOrder(in: world)
        await refused(.invoiceKindNotOffered) { try await bidder.requestInvoice(order.id, .electronicSpecial) }
        let requested = try await bidder.requestInvoice(order.id, .electronicOrdinary)
        await refused(.invoiceExists) { try await bidder.requestInvoice(order.id, .paperOrdinary) }
        let issued = try await bidder.wait(requested.id, until: .issued)
        #expect(issued.number?.count == 20 && issued.net.text == "188.68" && issued.tax.text == "11.32")
        let file = try await bidder.invoiceFile(requested.id)
        let signature = try await bidder.invoiceSignature(requested.id)
        let folder = world.deployment.documents
        let paths = (folder.appendingPathComponent(file.name), folder.appendingPathComponent(signature.name))
        try Data(file.bytes).write(to: paths.0)
        try Data(signature.bytes).write(to: paths.1)
        let text = try await run("pdftotext", ["-layout", paths.0.path, "-"]).output
        #expect(text.contains(try #require(issued.number)) && text.contains("增值税普通发票") && text.contains("￥11.32"))
        let verified = try await run(
            "openssl",
            [
                "cms", "-verify", "-binary", "-inform", "DER", "-in", paths.1.path, "-content", paths.0.path, "-CAfile",
                world.deployment.pki.path("root.pem"), "-out", "/dev/null",
            ])
        #expect(verified.status == 0, "\(verified.output)")
    }

    @Test(
        "I2 I4: paper invoices are posted, with courier, number and recipient on the order page",
        arguments: [InvoiceForm.paperOrdinary, .paperSpecial])
    func paper(_ form: InvoiceForm) async throws {
        let world = try await TestDeployment.world
        let (bidder, order) = try await openOrder(in: world)
        if form == .paperSpecial {
            let problem = await refused(.invalidField) {
                try await bidder.requestInvoice(order.id, form, isComplete: false)
            }
            #expect(problem?.field == "/buyer/address")
        }
        let requested = try await bidder.requestInvoice(order.id, form)
        let posted = try await bidder.wait(requested.id, until: .posted)
        #expect(posted.number?.count == 8 && posted.courier != nil && posted.trackingNumber != nil)
        #expect(posted.recipient?.name == bidder.sample.handler.name)
        await refused(.notFound) { try await bidder.invoiceFile(requested.id) }
    }

    @Test("I2: lost and doubled callbacks of tax platform and courier change nothing")
    func callbacks() async throws {
        let world = try await TestDeployment.world
        let (bidder, order) = try await openOrder(in: world)
        try await world.sandbox.call(
            .addFault, Given.fault("tax.issue", .loseCallback, about: bidder.sample.registered.creditCode.text))
        try await world.sandbox.call(
            .addFault, Given.fault("courier.ship", .loseReply, about: bidder.sample.handler.mobile.text))
        let requested = try await bidder.requestInvoice(order.id, .paperOrdinary)
        try await bidder.wait(requested.id, until: .posted)
    }
}
