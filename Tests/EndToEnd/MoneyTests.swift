import Contracts
import Cryptography
import Foundation
import Persistence
import ServiceRuntime
import Testing

@testable import Baohan

/// What operators and the outside world see of the money.
@Suite("Money that waits, and what is told about it")
struct MoneyTests {
    private func operators(_ world: World) async throws -> [Client<PaymentAPI>] {
        [
            world.payments.on(behalfOf: try await Agent.logIn(with: "operator-1", in: world)),
            world.payments.on(behalfOf: try await Agent.logIn(with: "operator-2", in: world)),
        ]
    }

    @Test("R6: a refund above the region's limit waits for two operators; the switch stops what they released")
    func fourEyes() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        let bidder = try await Given.preparedBidder(in: world)
        // A premium of 3,000 yuan; the insurer's system leaves deposits like this one to a person.
        let lot = try await Given.lot(in: world, deposit: Money(fen: 75_000_000))
        let applied = try await bidder.apply(for: lot.id)
        let reviewed = try await bidder.wait(applied.id, "referred") { $0.insurer != nil }
        let insurer = try #require(reviewed.insurer)
        let underwriter = world.orders.on(
            behalfOf: try await Agent.logIn(with: "underwriter-\(insurer.id)", in: world))
        _ = try await eventually("the case") {
            try await underwriter.call(.underwritingCases).first { $0.order == applied.id }
        }
        try await underwriter.call(
            .decideUnderwriting, applied.id, DecideUnderwriting(verdict: .approve), key: Agent.key())
        try await bidder.wait(applied.id, "approved") { $0.application == .approved }
        try await bidder.transfer(try await bidder.pay(applied.id))
        try await bidder.wait(applied.id, "sealed") { $0.policy == .sealed }
        let refund = try await bidder.requestRefund(applied.id, .withdrawn)
        _ = try await bidder.fillAccount(refund.id)

        let desk = try await operators(world)
        let held = try await eventually("the payout waits") { try await desk[0].call(.heldPayouts).first }
        #expect(held.hold == .aboveLimit && held.refund == refund.id && held.amount?.text == "3000.00")
        await refused(.notAllowed) {
            try await world.payments.on(behalfOf: bidder.session).call(.heldPayouts)
        }
        #expect(try await desk[1].call(.pausePayouts, PayoutSwitch(isPaused: true)).isPaused)
        let once = try await desk[0].call(.decidePayout, held.id, DecidePayout(.release), key: Agent.key())
        #expect(once.state == .held && once.releases == 1)
        await refused(.secondPersonNeeded) {
            try await desk[0].call(.decidePayout, held.id, DecidePayout(.release), key: Agent.key())
        }
        let twice = try await desk[1].call(.decidePayout, held.id, DecidePayout(.release), key: Agent.key())
        #expect(twice.state == .sending)
        let waiting = try await eventually("the switch holds it") { () async throws -> DeadLetterProbe? in
            let database = try await Database(reading: world.deployment.database(of: "payment"))
            return try await database.read { transaction in
                try transaction.row("SELECT last_error FROM outbox WHERE kind = 'payout' AND last_error IS NOT NULL")
                    .map {
                        DeadLetterProbe(error: try $0["last_error"])
                    }
            }
        }
        #expect(waiting.error.contains("paused"))
        #expect(try await world.sandbox.call(.movements).allSatisfy(\.isIncoming))
        _ = try await desk[1].call(.pausePayouts, PayoutSwitch(isPaused: false))
        try await bidder.wait(refund.id, until: .done)
        #expect(try await world.sandbox.call(.movements).filter { !$0.isIncoming }.map(\.amount.text) == ["3000.00"])
        let statement = try await world.payments.call(.ledgerEntries, LedgerQuery(order: applied.id))
        #expect(statement.items.last?.credit == "bank" && statement.items.last?.debit == "refunds_payable")
    }

    private struct DeadLetterProbe: Sendable {
        let error: String
    }

    @Test("insurer and provider are told by signed callbacks, which are logged and can be sent again without harm")
    func callbacks() async throws {
        let world = try await TestDeployment.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.paidOrder(for: lot.id)
        let insurers = try world.deployment.client(InsurerAPI.self, as: "payment")
        func book() async throws -> [Settlement] {
            try await insurers.call(.book, StatementQuery(after: 0)).lines.filter { $0.order == order.id }
        }
        _ = try await eventually("the insurer's book") { try await book().isEmpty ? nil : true }
        let log = try await world.payments.call(.callbacks)
        #expect(log.contains { $0.direction == .received && $0.kind == "bank" && $0.outcome == "done" })
        let sent = try await Database(reading: world.deployment.database(of: "payment")).read { transaction in
            try transaction.row(
                "SELECT id FROM callback WHERE direction = 'out' AND aggregate = ?", "insurer \(order.id)")?["id"]
                as MessageID?
        }
        let id = try #require(sent)
        for _ in 0..<3 { try await world.payments.call(.replayCallback, id) }
        _ = try await eventually("it was sent again") {
            try await world.payments.call(.callbacks).first { $0.id == id.text && $0.lastAt > $0.firstAt }
        }
        #expect(try await book().count == 1)
        await refused(.notFound) { try await world.payments.call(.replayCallback, MessageID()) }
    }

    @Test("a callback's ID with another body is refused; the same callback again is answered and does nothing")
    func replayedCallback() async throws {
        let world = try await TestDeployment.world
        let keys = try CallbackSignature(
            file: String(decoding: try world.deployment.pki.read("callbacks.keys"), as: UTF8.self))
        let clock = ServiceClock(offset: try await world.sandbox.call(.clock))
        let bank = try world.deployment.client(PaymentAPI.self, as: "sandbox").signing(with: keys, clock: clock)
        func notice(_ amount: Int64) throws -> BankNotice {
            BankNotice(
                transaction: "B" + MessageID().text, kind: .credit, amount: Money(fen: amount), reference: "nobody's",
                payer: try bidderAccount(), isBasicAccount: true, at: clock.now)
        }
        let (id, first) = (MessageID().text, try notice(1_234))
        for _ in 0..<3 { try await bank.call(.bankNotice, first, key: id) }
        await refused(.replayed) { try await bank.call(.bankNotice, try notice(99), key: id) }
        let database = try await Database(reading: world.deployment.database(of: "payment"))
        let count: Int = try await database.read {
            try $0.row("SELECT COUNT(*) AS n FROM credit WHERE bank_transaction = ?", first.transaction)?["n"] ?? -1
        }
        #expect(count == 1)
        // Signed by another key, or too long ago.
        let stranger = try world.deployment.client(PaymentAPI.self, as: "sandbox")
            .signing(with: CallbackSignature(keys: [randomBytes(32)]), clock: clock)
        await refused(.signatureInvalid) { try await stranger.call(.bankNotice, first, key: MessageID().text) }
        let late = try world.deployment.client(PaymentAPI.self, as: "sandbox").signing(
            with: keys, clock: ServiceClock(offset: ClockOffset(milliseconds: -301_000)))
        await refused(.replayed) { try await late.call(.bankNotice, first, key: MessageID().text) }
    }

    @Test(
        "money without a payer, and a word on a payout that nobody ordered, are kept for a person and hold nothing up")
    func unexplained() async throws {
        let world = try await TestDeployment.world
        let keys = try CallbackSignature(
            file: String(decoding: try world.deployment.pki.read("callbacks.keys"), as: UTF8.self))
        let clock = ServiceClock(offset: try await world.sandbox.call(.clock))
        let bank = try world.deployment.client(PaymentAPI.self, as: "sandbox").signing(with: keys, clock: clock)
        let (interest, stray) = ("I" + MessageID().text, "S" + MessageID().text)
        for _ in 0..<2 {
            try await bank.call(
                .bankNotice,
                BankNotice(transaction: interest, kind: .credit, amount: Money(fen: 17), at: clock.now),
                key: MessageID().text)
            try await bank.call(
                .bankNotice,
                BankNotice(
                    transaction: stray, kind: .payoutDone, amount: Money(fen: 18), key: MessageID(), at: clock.now),
                key: MessageID().text)
        }
        let kept: [String] = try await Database(reading: world.deployment.database(of: "payment")).read { transaction in
            try transaction.rows(
                "SELECT reason FROM unexplained WHERE bank_transaction IN (?, ?) ORDER BY reason", interest, stray
            ).map { try $0["reason"] }
        }
        #expect(kept == ["credit_without_payer_or_amount", "payout_unknown"])
    }

    @Test("A8 R6: an insurer decides on its own applications and surrenders, and on no other's")
    func insurers() async throws {
        let world = try await TestDeployment.world
        let pki = world.deployment.pki
        let bidder = try await Given.preparedBidder(in: world)
        let order = try await bidder.paidOrder(for: try await Given.lot(in: world).id)
        let own = try #require(order.insurer).id
        let refund = try await bidder.requestRefund(order.id, .withdrawn)
        let keys = try CallbackSignature(file: String(decoding: try pki.read("callbacks.keys"), as: UTF8.self))
        let clock = ServiceClock(offset: try await world.sandbox.call(.clock))
        for (id, isOwn) in [(own, true), (own == "huian" ? "beifang" : "huian", false)] {
            let certificate = "insurer-\(id)"
            try pki.issue(certificate, for: [.insurer], insurers: [id])
            let orders = try world.deployment.client(OrderAPI.self, as: certificate).signing(with: keys, clock: clock)
            let refunds = try world.deployment.client(RefundAPI.self, as: certificate).signing(with: keys, clock: clock)
            let verdict = InsurerNotice(order: order.id, verdict: .reject)
            let surrender = SurrenderNotice(refund: refund.id, isApproved: false)
            if isOwn {
                // Not under review: taken, and nothing changes.
                try await orders.call(.insurerNotice, verdict, key: MessageID().text)
                try await refunds.call(.surrenderNotice, surrender, key: MessageID().text)
            } else {
                await refused(.notFound) { try await orders.call(.insurerNotice, verdict, key: MessageID().text) }
                await refused(.notFound) { try await refunds.call(.surrenderNotice, surrender, key: MessageID().text) }
            }
        }
        #expect(try await bidder.order(order.id).policy == .surrendering)
    }

    private func bidderAccount() throws -> AccountReference {
        try Given.newBidder(named: "来路不明").registered.basicAccount
    }

    @Test(
        "bank, insurers and providers agree with the ledger; a line that an insurer lost is found, told again, and found there"
    )
    func reconciliation() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let applied = try await bidder.apply(for: lot.id)
        try await world.sandbox.call(.addFault, Given.fault("insurer.book", .refuse, about: applied.id.text))
        try await bidder.wait(applied.id, "approved") { $0.application == .approved }
        try await bidder.transfer(try await bidder.pay(applied.id))
        try await bidder.wait(applied.id, "sealed") { $0.policy == .sealed }
        // What is minutes old is compared.
        try await world.advance(by: .minutes(4))
        let found = try await eventually("the break") {
            let result = try await world.payments.call(.reconcile, Reconcile())
            return result.providerLines == 1 ? result : nil
        }
        #expect(found.bankLines == 1)
        let item = try #require(found.breaks.first)
        #expect(found.breaks.count == 1 && item.side == .insurer && item.kind == .notInTheirBook)
        let report = world.deployment.state.appendingPathComponent("breaks.csv")
        try Data(try await world.payments.call(.reconciliationReport).bytes).write(to: report)
        #expect(try String(contentsOf: report, encoding: .utf8).contains(item.id.text))
        for desk in try await operators(world) {
            _ = try await desk.call(.approveRepair, item.id, key: Agent.key())
        }
        _ = try await eventually("the books agree") {
            try await world.payments.call(.reconcile, Reconcile()).breaks.isEmpty ? true : nil
        }
    }

    @Test("a backup taken while bidders work is put back: what came later is gone, what was before goes on")
    func backup() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let (world, deployment) = (running.world, running.deployment)
        let bidder = try await Given.preparedBidder(in: world)
        let order = try await bidder.paidOrder(for: try await Given.lot(in: world).id)
        let binaries = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        func baohan(_ arguments: [String]) async throws -> (status: Int32, output: String) {
            let addresses = ["auth", "order", "payment", "refund", "invoice"].map {
                "DATABASE_\($0.uppercased())=\(deployment.database(of: $0))"
            }
            return try await run("env", addresses + [binaries.appendingPathComponent("baohan").path] + arguments)
        }
        let folder = deployment.state.appendingPathComponent("backup").path
        async let later = bidder.order(for: try await Given.lot(in: world).id)
        let made = try await baohan(["backup", folder])
        #expect(made.status == 0, "\(made.output)")
        let after = try await Given.preparedBidder(in: world)
        _ = try await later
        #expect(try await baohan(["backup", folder]).status != 0)
        running.processes.stop()

        let damaged = deployment.state.appendingPathComponent("damaged").path
        try FileManager.default.copyItem(atPath: folder, toPath: damaged)
        let part = try #require(
            try FileManager.default.contentsOfDirectory(atPath: damaged).first { $0.hasPrefix("payment.") })
        var bytes = try Data(contentsOf: URL(fileURLWithPath: "\(damaged)/\(part)"))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: "\(damaged)/\(part)"))
        let refusal = try await baohan(["restore", damaged])
        #expect(refusal.status != 0 && refusal.output.contains("damaged"))
        let restored = try await baohan(["restore", folder])
        #expect(restored.status == 0, "\(restored.output)")

        try await running.processes.start()
        let again = try await Agent.logIn(bidder.sample, in: world)
        #expect(try await again.order(order.id).policy == .sealed)
        let refund = try await again.requestRefund(order.id, .withdrawn)
        _ = try await again.fillAccount(refund.id)
        // Nothing leaves before somebody has looked at what the bank did in the meantime.
        try await again.wait(refund.id, until: .sending)
        _ = try await operators(world)[0].call(.pausePayouts, PayoutSwitch(isPaused: false))
        try await again.wait(refund.id, until: .done)
        let known = try await Database(reading: deployment.database(of: "auth")).read {
            [code = after.sample.registered.creditCode] in
            try $0.row("SELECT id FROM enterprise WHERE credit_code = ?", code) != nil
        }
        #expect(!known)
    }
}
