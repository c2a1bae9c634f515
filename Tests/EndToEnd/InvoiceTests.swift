import Contracts
import Foundation
import Testing

@testable import Baohan

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
