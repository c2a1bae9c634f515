import Contracts
import Cryptography
import Foundation
import ServiceRuntime
import Testing

@testable import Baohan

@Suite("A8–A12. Insuring")
struct InsuringTests {
    @Test("A8: the rules refuse a deposit above the region's limit, with the reason")
    func refusedByRule() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world, deposit: Money(fen: 80_000_100))
        let order = try await bidder.apply(for: lot.id)
        #expect(order.application == .rejected && order.underwritingNote?.contains("800000.00") == true)
    }

    @Test("A8: a person asks, refuses, and only the drawn insurer's person may")
    func person() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world, deposit: Money(fen: 35_000_000))
        let order = try await bidder.apply(for: lot.id)
        let insurer = try #require(order.insurer)
        let others = try await bidder.providers()[0].insurers.filter { $0.id != insurer.id }
        let underwriter = world.orders.on(behalfOf: try await Agent.logIn(with: "underwriter-\(insurer.id)", in: world))
        let stranger = world.orders.on(behalfOf: try await Agent.logIn(with: "underwriter-\(others[0].id)", in: world))
        let reject = DecideUnderwriting(verdict: .reject, note: try Words("业绩不足"))
        let found = try await eventually("the case") {
            try await underwriter.call(.underwritingCases).first { $0.order == order.id }
        }
        // The insurer sees a token and not the lot (A11).
        #expect(found.lotToken.hasPrefix("LT") && !found.reasons.isEmpty)
        #expect(try await !stranger.call(.underwritingCases).contains { $0.order == order.id })
        await refused(.notFound) { try await stranger.call(.decideUnderwriting, order.id, reject, key: Agent.key()) }
        await refused(.notAllowed) {
            try await world.orders.on(behalfOf: bidder.session).call(
                .decideUnderwriting, order.id, reject, key: Agent.key())
        }
        await refused(.invalidField) {
            try await underwriter.call(
                .decideUnderwriting, order.id, DecideUnderwriting(verdict: .reject, note: nil), key: Agent.key())
        }
        try await underwriter.call(
            .decideUnderwriting, order.id, DecideUnderwriting(verdict: .askInformation, note: try Words("请补充")),
            key: Agent.key())
        #expect(try await bidder.order(order.id).application == .informationWanted)
        _ = try await bidder.giveInformation(order.id, "补充说明")
        try await underwriter.call(.decideUnderwriting, order.id, reject, key: Agent.key())
        let rejected = try await bidder.order(order.id)
        #expect(rejected.application == .rejected && rejected.underwritingNote == "业绩不足")
        await refused(.wrongState) { try await bidder.pay(order.id) }
    }

    @Test("A8: an insurer's refusal reaches the bidder, and a lost answer is asked for")
    func insurerAnswers() async throws {
        let world = try await TestDeployment.world
        for (kind, expected) in [
            (Fault.Kind.refuse, ApplicationState.rejected), (.loseCallback, .approved), (.loseReply, .approved),
            (.duplicateCallback, .approved),
        ] {
            let bidder = try await Given.preparedBidder(in: world)
            let lot = try await Given.lot(in: world)
            let draft = try await bidder.submit(try await bidder.saveDraft(try await bidder.order(for: lot.id)))
            try await world.sandbox.call(.addFault, Given.fault("insurer.underwrite", kind, about: draft.id.text))
            let order = try await bidder.insure(draft)
            let decided = try await bidder.wait(order.id, "decided") { $0.application != .reviewing }
            #expect(decided.application == expected)
        }
    }

    // MARK: A9 to A12

    @Test("A9: only the right money from the basic account pays; all other goes back by itself, with the reason")
    func payment() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.apply(for: lot.id)
        try await bidder.wait(order.id, "approved") { $0.application == .approved }
        let instruction = try await bidder.pay(order.id)
        #expect(try await bidder.pay(order.id) == instruction)
        let stranger = try Given.newBidder(named: "别人").registered.basicAccount
        let attempts: [(AccountReference?, Money?, PaymentSentBack.Reason)] = [
            (try bidder.otherAccount(), nil, .notBasicAccount), (stranger, nil, .otherPayer),
            (nil, Money(fen: 19_999), .wrongAmount), (nil, Money(fen: 40_000), .wrongAmount),
        ]
        for (account, amount, reason) in attempts {
            let movement = try await bidder.transfer(instruction, from: account, amount: amount)
            try await bidder.wait(order.id, "sent back") { $0.paymentNote == reason }
            _ = try await eventually("the money is back") {
                try await world.sandbox.call(.movements).first {
                    !$0.isIncoming && $0.amount == movement.amount && $0.counterpart == movement.counterpart
                }
            }
        }
        #expect(try await bidder.order(order.id).payment == .awaiting)
        try await bidder.transfer(instruction)
        try await bidder.wait(order.id, "sealed") { $0.policy == .sealed && $0.payment == .paid }
        // Paid twice: the second payment goes back.
        try await bidder.transfer(instruction)
        try await bidder.wait(order.id, "sent back") { $0.paymentNote == .alreadyPaid }
        #expect(try await bidder.order(order.id).policy == .sealed)
    }

    @Test("A9: a bank notice that is lost or told twice costs nothing")
    func bankNotices() async throws {
        let world = try await TestDeployment.world
        for kind in [Fault.Kind.loseCallback, .duplicateCallback, .reorderCallback] {
            let bidder = try await Given.preparedBidder(in: world)
            let lot = try await Given.lot(in: world)
            let order = try await bidder.apply(for: lot.id)
            try await bidder.wait(order.id, "approved") { $0.application == .approved }
            let instruction = try await bidder.pay(order.id)
            try await world.sandbox.call(
                .addFault, Fault(operation: "bank.transfer", kind: kind, times: 1, milliseconds: nil))
            try await bidder.transfer(instruction)
            try await bidder.wait(order.id, "sealed") { $0.policy == .sealed }
        }
    }

    @Test("A10: the policy is issued at once and told by SMS, though the insurer's reply gets lost")
    func issue() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let applied = try await bidder.apply(for: lot.id)
        try await world.sandbox.call(.addFault, Given.fault("insurer.issue", .loseReply, about: applied.id.text))
        try await bidder.wait(applied.id, "approved") { $0.application == .approved }
        try await bidder.transfer(try await bidder.pay(applied.id))
        let order = try await bidder.wait(applied.id, "sealed") { $0.policy == .sealed }
        let number = try #require(order.policyNumber)
        #expect(order.application == .issued)
        _ = try await eventually("the SMS") {
            try await world.messages(to: bidder.sample.handler.mobile).first { $0.contains(number) }
        }
    }

    @Test("A11: before the opening nobody downloads or verifies, and another bidder sees nothing")
    func sealing() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        await refused(.policySealed) { try await bidder.policyFile(order.id) }
        await refused(.policySealed) { try await bidder.policySignature(order.id) }
        let policy = try await bidder.policy(order.id)
        #expect(policy.state == .sealed && policy.documentHash == nil && policy.verificationCode == nil)
        await refused(.notFound) {
            try await world.orders.call(.verifyPolicy, VerifyPolicy(number: policy.number, code: "0000000000"))
        }
        let rival = try await Given.preparedBidder(in: world)
        await refused(.notFound) { try await rival.order(order.id) }
        await refused(.notFound) { try await rival.summary(order.id) }
        await refused(.notFound) { try await rival.draw(order.id) }
        await refused(.notFound) { try await rival.policy(order.id) }
        await refused(.notFound) { try await rival.policyFile(order.id) }
        await refused(.notFound) { try await rival.pay(order.id) }
        await refused(.notFound) { try await rival.requestRefund(order.id, .withdrawn) }
        await refused(.notFound) { try await rival.requestInvoice(order.id, .electronicOrdinary) }
    }

    @Test("A12: after the opening the signed policy is downloaded, and verified by number and code")
    func download() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        try await world.move(lot.id, .openBids)
        try await bidder.wait(order.id, "open") { $0.policy == .open }
        let (file, signature) = (try await bidder.policyFile(order.id), try await bidder.policySignature(order.id))
        let folder = world.deployment.documents
        let paths = (folder.appendingPathComponent(file.name), folder.appendingPathComponent(signature.name))
        try Data(file.bytes).write(to: paths.0)
        try Data(signature.bytes).write(to: paths.1)
        let text = try await run("pdftotext", ["-layout", paths.0.path, "-"]).output
        for part in [
            bidder.sample.registered.name.text, lot.tenderee.text, lot.name.text, lot.projectName.text, "人民币伍万元整",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        let verified = try await run(
            "openssl",
            [
                "cms", "-verify", "-binary", "-inform", "DER", "-in", paths.1.path, "-content", paths.0.path, "-CAfile",
                world.deployment.pki.path("root.pem"), "-out", "/dev/null",
            ])
        #expect(verified.status == 0, "\(verified.output)")
        let policy = try await bidder.policy(order.id)
        let answer = try await world.orders.call(
            .verifyPolicy, VerifyPolicy(number: policy.number, code: try #require(policy.verificationCode)))
        #expect(answer.documentHash == sha256(file.bytes).hex && answer.tenderee == lot.tenderee)
        await refused(.notFound) {
            try await world.orders.call(.verifyPolicy, VerifyPolicy(number: policy.number, code: "X"))
        }
    }

    @Test("A9: the other region takes money from any account, and has its own cover")
    func otherRegion() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world, region: "430100")
        let order = try await bidder.apply(for: lot.id)
        try await bidder.wait(order.id, "approved") { $0.application == .approved }
        try await bidder.transfer(try await bidder.pay(order.id), from: try bidder.otherAccount())
        let sealed = try await bidder.wait(order.id, "sealed") { $0.policy == .sealed }
        #expect(sealed.quote?.rulesVersion == "changsha-2026-1")
        await refused(.refundNotInRegion) { try await bidder.requestRefund(order.id, .withdrawn) }
        // Refused, the policy stays what it was.
        #expect(try await bidder.order(order.id).policy == .sealed)
    }
}
