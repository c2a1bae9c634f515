import Contracts
import Cryptography
import Foundation
import ServiceRuntime
import Testing

@testable import Baohan

@Suite("Handlers")
struct HandlerTests {
    /// A handler of the bidder's, by a certificate of its own with the enterprise's credit code.
    private func handler(
        of bidder: Agent, _ rights: Set<Right>, limit: Money = Money(fen: 10_000_000), needsSecondPerson: Bool = false,
        named given: String? = nil
    ) async throws -> (agent: Agent, id: HandlerID) {
        let world = bidder.world
        let digits = String(UInt64.random(in: 10_000_000...99_999_999))
        let mobile = try MobileNumber("137" + digits)
        let name = given ?? "赵经办\(digits)"
        let invited = try await world.auth.on(behalfOf: bidder.session).call(
            .inviteHandler,
            InviteHandler(
                name: try Words(name), mobile: mobile,
                rights: HandlerRights(rights: rights, limit: limit, needsSecondPerson: needsSecondPerson)),
            key: Agent.key())
        #expect(invited.state == .invited)
        let text = try await eventually("the invitation") { try await world.messages(to: mobile).last }
        let code = try #require(
            text.split(whereSeparator: { !$0.isASCII }).map(String.init).map {
                $0.trimmingCharacters(in: .whitespaces)
            }.first { $0.count == 12 })

        let certificate = "\(bidder.sample.certificate)-\(digits)"
        try world.deployment.pki.issueCALock(
            certificate, name: try Words(name), creditCode: bidder.sample.registered.creditCode, key: .p256())
        let first = try await Agent.logIn(with: certificate, in: world)
        #expect(first.standing == .unassigned && first.enterprise == bidder.session.enterprise)
        await refused(.invitationInvalid) {
            try await world.auth.on(behalfOf: first).call(.acceptInvitation, AcceptInvitation(code: "WRONGWRONG23"))
        }
        let accepted = try await world.auth.on(behalfOf: first).call(.acceptInvitation, AcceptInvitation(code: code))
        #expect(accepted.id == invited.id && accepted.state == .active)
        let session = try await Agent.logIn(with: certificate, in: world)
        #expect(session.standing == .handler(invited.id))
        return (Agent(world: world, sample: sample(bidder.sample, certificate, mobile), session: session), invited.id)
    }

    /// The same enterprise, with another certificate and telephone.
    private func sample(_ sample: SampleBidder, _ certificate: String, _ mobile: MobileNumber) -> SampleBidder {
        SampleBidder(
            certificate: certificate, hasRSAKey: false, registered: sample.registered,
            handler: Handler(
                name: sample.handler.name, citizenID: sample.handler.citizenID, mobile: mobile,
                email: sample.handler.email))
    }

    @Test("A6: a handler does what the holder allows, up to its limit, and nothing else")
    func rights() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let (handler, id) = try await handler(of: bidder, [.apply])
        let auth = world.auth.on(behalfOf: bidder.session)
        let handlers = world.auth.on(behalfOf: handler.session)
        // The handler manages nobody, itself least of all.
        let all = HandlerRights(rights: Set(Right.allCases), limit: Money(fen: 10_000_000), needsSecondPerson: false)
        await refused(.rightMissing) { try await handlers.call(.setRights, id, all) }
        await refused(.rightMissing) { try await handlers.call(.handlers) }
        await refused(.rightMissing) { try await handlers.call(.certificates) }
        // Nor does it see or end the holder's sessions.
        #expect(try await handlers.call(.sessions).sessions.allSatisfy { $0.standing == .handler(id) })
        await refused(.notFound) { try await handlers.call(.endSession, bidder.session.id) }

        let ready = try await handler.submit(try await handler.saveDraft(try await handler.order(for: lot.id)))
        let premium = try #require(ready.quote?.premium)
        _ = try await auth.call(
            .setRights, id,
            HandlerRights(rights: [.apply], limit: Money(fen: premium.fen - 1), needsSecondPerson: false))
        await refused(.aboveLimit) { try await handler.insure(ready) }
        _ = try await auth.call(
            .setRights, id, HandlerRights(rights: [.apply], limit: premium, needsSecondPerson: false))
        let applied = try await handler.insure(ready)
        try await handler.wait(applied.id, "approved") { $0.application == .approved }
        await refused(.rightMissing) { try await handler.pay(applied.id) }

        // Paid by the holder; given back and invoiced by nobody without the right.
        try await bidder.transfer(try await bidder.pay(applied.id))
        try await bidder.wait(applied.id, "sealed") { $0.policy == .sealed }
        await refused(.rightMissing) { try await handler.requestRefund(applied.id, .withdrawn) }
        #expect(try await bidder.order(applied.id).policy == .sealed)
        _ = try await auth.call(.setRights, id, all)
        let refund = try await handler.requestRefund(applied.id, .withdrawn)
        // Where the money goes is for the holder to say.
        await refused(.rightMissing) { try await handler.fillAccount(refund.id, try handler.otherAccount()) }
        _ = try await handler.fillAccount(refund.id)
    }

    @Test("I1: the right to ask for an invoice is one of its own")
    func invoices() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        try await world.move(lot.id, .openBids)
        try await bidder.wait(order.id, "open") { $0.policy == .open }
        let (without, _) = try await handler(of: bidder, [.apply, .pay, .refund])
        await refused(.rightMissing) { try await without.requestInvoice(order.id, .electronicOrdinary) }
        let (with, _) = try await handler(of: bidder, [.invoice])
        _ = try await with.requestInvoice(order.id, .electronicOrdinary)
    }

    @Test(
        "a second pair of eyes: asked once, given by somebody else with the right, for this version of the order only")
    func secondPerson() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let (first, firstID) = try await handler(of: bidder, [.apply, .pay], needsSecondPerson: true)
        let (second, _) = try await handler(of: bidder, [.pay])
        let ready = try await first.submit(try await first.saveDraft(try await first.order(for: lot.id)))
        await refused(.approvalNeeded) { try await first.insure(ready) }
        await refused(.approvalNeeded) { try await first.insure(ready) }
        func approvals(_ agent: Agent) async throws -> [Approval] {
            try await world.auth.on(behalfOf: agent.session).call(.approvals).approvals
        }
        let asked = try await approvals(bidder)
        #expect(asked.count == 1 && asked[0].right == .apply && asked[0].handler == firstID)
        func decide(_ approval: ApprovalID, _ isApproved: Bool, by agent: Agent) async throws {
            _ = try await world.auth.on(behalfOf: agent.session).call(
                .decideApproval, approval, DecideApproval(isApproved: isApproved))
        }
        await refused(.notAllowed) { try await decide(asked[0].id, true, by: first) }
        await refused(.rightMissing) { try await decide(asked[0].id, true, by: second) }
        let stranger = try await Given.bidder(in: world)
        await refused(.notFound) { try await decide(asked[0].id, true, by: stranger) }
        try await decide(asked[0].id, true, by: bidder)
        await refused(.wrongState) { try await decide(asked[0].id, false, by: bidder) }

        // What was approved is the order as it was; a changed one is asked for again.
        let changed = try await first.submit(try await first.saveDraft(ready))
        await refused(.approvalNeeded) { try await first.insure(changed) }
        let again = try #require(try await approvals(bidder).first { $0.state == .asked })
        try await decide(again.id, true, by: bidder)
        let applied = try await first.insure(changed)
        try await first.wait(applied.id, "approved") { $0.application == .approved }

        await refused(.approvalNeeded) { try await first.pay(applied.id) }
        let payment = try #require(try await approvals(second).first { $0.right == .pay })
        try await decide(payment.id, false, by: second)
        await refused(.approvalRefused) { try await first.pay(applied.id) }
        _ = try await second.pay(applied.id)
    }

    @Test("A1: a renewed certificate is what its predecessor was; one certificate never opens two enterprises")
    func renewal() async throws {
        let world = try await TestDeployment.world
        let pki = world.deployment.pki
        let bidder = try await Given.bidder(in: world)
        let name = bidder.sample.registered.name
        let code = bidder.sample.registered.creditCode
        // While there are no handlers, each certificate with the code is the enterprise.
        try pki.issueCALock("\(bidder.sample.certificate)-b", name: name, creditCode: code, key: .p256())
        let renewed = try await Agent.logIn(with: "\(bidder.sample.certificate)-b", in: world)
        #expect(renewed.standing == .holder && renewed.enterprise == bidder.session.enterprise)

        let (handler, id) = try await handler(of: bidder, [.apply], named: "钱经办")
        try pki.issueCALock("\(bidder.sample.certificate)-c", name: name, creditCode: code, key: .p256())
        #expect(try await Agent.logIn(with: "\(bidder.sample.certificate)-c", in: world).standing == .holder)
        try pki.issueCALock(
            "\(handler.sample.certificate)-b", name: try Words("钱经办"), creditCode: code, key: .p256())
        #expect(try await Agent.logIn(with: "\(handler.sample.certificate)-b", in: world).standing == .handler(id))
        let unknown = "\(bidder.sample.certificate)-x"
        try pki.issueCALock(unknown, name: try Words("孙某"), creditCode: code, key: .p256())
        let stranger = try await Agent.logIn(with: unknown, in: world)
        #expect(stranger.standing == .unassigned)

        // The holder says what it is; what it opened before ends.
        let auth = world.auth.on(behalfOf: bidder.session)
        let fingerprint = try Certificate.chain(pem: pki.read("\(unknown).pem"))[0].fingerprint()
        let listed = try await auth.call(
            .assignCertificate, AssignCertificate(fingerprint: fingerprint, standing: .handler(id))
        ).certificates
        #expect(listed.first { $0.fingerprint == fingerprint }?.standing == .handler(id))
        await refused(.sessionRevoked) {
            try await eventually("the session ends") {
                _ = try await world.auth.on(behalfOf: stranger).call(.enterprise)
                return nil as Void?
            }
        }
        // One certificate has to remain the enterprise's own.
        await refused(.wrongState) {
            for certificate in listed where certificate.standing == .holder {
                _ = try await auth.call(
                    .assignCertificate,
                    AssignCertificate(fingerprint: certificate.fingerprint, standing: .unassigned))
            }
        }
    }

    @Test("the end of a handler ends its sessions, and its certificate opens nothing")
    func ending() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let (handler, id) = try await handler(of: bidder, [.apply])
        let ended = try await world.auth.on(behalfOf: bidder.session).call(.endHandler, id)
        #expect(ended.state == .ended)
        await refused(.sessionRevoked) {
            try await eventually("the session ends") {
                _ = try await handler.openLots("")
                return nil as Void?
            }
        }
        #expect(try await Agent.logIn(with: handler.sample.certificate, in: world).standing == .unassigned)
    }

    @Test(
        "A2: a hand-off is in the name of whose certificate the trading platform saw, and of nobody where it does not say"
    )
    func handOff() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.bidder(in: world)
        let lot = try await Given.lot(in: world)
        #expect(try await Agent.handOff(bidder.sample, to: lot.id, in: world).agent.session.standing == .holder)
        let (handler, id) = try await handler(of: bidder, [.apply])
        let (own, _) = try await Agent.handOff(
            bidder.sample, to: lot.id, certificate: try fingerprint(handler.sample, world), in: world)
        #expect(own.session.standing == .handler(id))
        let (holder, _) = try await Agent.handOff(
            bidder.sample, to: lot.id, certificate: try fingerprint(bidder.sample, world), in: world)
        #expect(holder.session.standing == .holder)
        #expect(try await Agent.handOff(bidder.sample, to: lot.id, in: world).agent.session.standing == .unassigned)
    }

    private func fingerprint(_ sample: SampleBidder, _ world: World) throws -> String {
        try Certificate.chain(pem: world.deployment.pki.read("\(sample.certificate).pem"))[0].fingerprint()
    }
}
