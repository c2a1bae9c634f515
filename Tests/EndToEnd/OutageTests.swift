import Contracts
import Foundation
import Testing

@testable import Baohan

/// These move clocks and kill processes, so each has a deployment of its own.
@Suite("Outages and the walk", .serialized)
struct OutageTests {
    @Test("the demo walks the whole manual and exits with 0, in both languages", arguments: ["zh", "en"])
    func demo(_ language: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("baohan-demo-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let binaries = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let port = TestDeployment.freePortBase()
        let result = try await run(
            binaries.appendingPathComponent("baohan").path,
            ["demo", "--state", folder.path, "--port-base", "\(port)", "--language", language])
        #expect(result.status == 0, "\(result.output)")
        for id in (1...12).map({ "A\($0)" }) + ["R1", "R2", "R3", "R4", "R5", "R6", "I1", "I2", "I3", "I4"] {
            #expect(result.output.contains(id), "\(id)")
        }
        #expect(!result.output.contains("✗") && !result.output.contains("\u{1B}["))
        #expect(result.output.contains(language == "zh" ? "试算平衡" : "Trial balance"))
        let documents = try FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent("documents").path)
        #expect(documents.filter { $0.hasSuffix(".pdf") }.count == 2)
    }

    @Test("a demo whose reader goes away stops its services all the same")
    func readerGone() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("baohan-head-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let binaries = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let port = TestDeployment.freePortBase()
        let result = try await run(
            "bash",
            [
                "-c",
                """
                \(binaries.path)/baohan demo --state \(folder.path) --port-base \(port) | head -2
                echo "demo ended with ${PIPESTATUS[0]}"
                grep -l "DATABASE=\(folder.path)" /proc/[0-9]*/environ 2>/dev/null
                """,
            ])
        #expect(result.output.contains("demo ended with 0") && !result.output.contains("/environ"), "\(result.output)")
    }

    @Test("baohan up ends its services with itself")
    func up() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("baohan-up-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let binaries = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let output = Pipe()
        let process = Process()
        process.executableURL = binaries.appendingPathComponent("baohan")
        process.arguments = ["up", "--state", folder.path, "--port-base", "\(Int.random(in: 30_000..<32_000))"]
        process.standardOutput = output
        try process.run()
        let told = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        #expect(told.contains("order\thttps://localhost:"))
        let children = try await run("pgrep", ["-P", "\(process.processIdentifier)"]).output.split(separator: "\n")
        #expect(children.count == LocalDeployment.services.count)
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 143)
        for child in children { #expect(!FileManager.default.fileExists(atPath: "/proc/\(child)")) }
    }

    @Test(
        "A9 A10 R6: each service is killed while money and policies move, and nothing is lost",
        arguments: LocalDeployment.services)
    func killed(_ service: String) async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.apply(for: lot.id)
        try await bidder.wait(order.id, "approved") { $0.application == .approved }
        let instruction = try await bidder.pay(order.id)
        try await bidder.transfer(instruction)
        running.processes.kill(service)
        try running.processes.launch(service)
        try await running.processes.waitUntilReady()
        try await bidder.wait(order.id, "sealed") { $0.policy == .sealed }

        let refund = try await bidder.requestRefund(order.id, .withdrawn)
        _ = try await bidder.fillAccount(refund.id)
        running.processes.kill(service)
        try running.processes.launch(service)
        try await running.processes.waitUntilReady()
        try await bidder.wait(refund.id, until: .done)
        try await bidder.wait(order.id, "surrendered") { $0.policy == .surrendered }
        let balances = try await eventually("the books are closed") {
            let balances = try await world.payments.call(.trialBalance)
            return balances.allSatisfy { $0.balance == .zero } ? balances : nil
        }
        #expect(balances.first { $0.account == "bank" }?.credit.text == "200.00")
        let paidBack = try await world.sandbox.call(.movements).filter { !$0.isIncoming }
        #expect(paidBack.count == 1)
    }

    @Test("A9: a service that is down gives its caller 503 with Retry-After, and the work goes on when it is back")
    func down() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        let bidder = try await Given.preparedBidder(in: world)
        let lot = try await Given.lot(in: world)
        let order = try await bidder.apply(for: lot.id)
        try await bidder.wait(order.id, "approved") { $0.application == .approved }
        running.processes.kill("payment")
        let problem = await refused(.unavailable) { try await bidder.pay(order.id) }
        #expect(problem?.retryAfter != nil)
        #expect(try await bidder.order(order.id).payment == .none)
        try running.processes.launch("payment")
        try await running.processes.waitUntilReady()
        let instruction = try await bidder.pay(order.id)
        running.processes.kill("order")
        try await bidder.transfer(instruction)
        try running.processes.launch("order")
        try await running.processes.waitUntilReady()
        try await bidder.wait(order.id, "sealed") { $0.policy == .sealed }
    }

    @Test("A9 A12: time passes: late money goes back, an unpaid application ends, and an old session is refused")
    func time() async throws {
        let running = try await TestDeployment()
        defer { running.stop() }
        let world = running.world
        let (late, never) = (try await Given.preparedBidder(in: world), try await Given.preparedBidder(in: world))
        let lot = try await Given.lot(in: world)
        let (lateOrder, neverOrder) = (try await late.apply(for: lot.id), try await never.apply(for: lot.id))
        for (bidder, order) in [(late, lateOrder), (never, neverOrder)] {
            try await bidder.wait(order.id, "approved") { $0.application == .approved }
        }
        let instruction = try await late.pay(lateOrder.id)
        // The quote is good for a day.
        try await world.advance(by: .hours(25))
        await refused(.sessionExpired) { try await late.order(lateOrder.id) }
        let (lateAgain, neverAgain) = (
            try await Agent.logIn(late.sample, in: world), try await Agent.logIn(never.sample, in: world)
        )
        await refused(.quoteExpired) { try await neverAgain.pay(neverOrder.id) }
        try await lateAgain.transfer(instruction)
        try await lateAgain.wait(lateOrder.id, "sent back") { $0.paymentNote == .tooLate }
        let ended = try await lateAgain.wait(lateOrder.id, "ended") { $0.application == .expired }
        #expect(ended.payment == .failed && ended.policy == .none)
        try await world.advance(by: .days(14))
        try await world.move(lot.id, .openBids)
        let observer = try await Agent.logIn(never.sample, in: world)
        try await observer.wait(neverOrder.id, "expired") { $0.application == .expired }
    }
}
