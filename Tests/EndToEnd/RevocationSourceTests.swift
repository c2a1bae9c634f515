import Contracts
import Cryptography
import Foundation
import ServiceRuntime
import Testing

@testable import Baohan

/// Revocation data as authorities publish them: over plain HTTP, from a list or a responder.
@Suite("Revocation over HTTP")
struct RevocationSourceTests {
    /// Ends it without asking: `openssl ocsp` does not listen.
    private func stop(_ process: Process) {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// A program that serves until the test is over.
    private func serve(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func deployment(revocation: String) async throws -> TestDeployment {
        try await TestDeployment { deployment in
            try Data(
                #"[{"name":"root","anchors":"ca-root.pem","revocation":\#(revocation)}]"#.utf8
            ).write(to: deployment.pki.folder.appendingPathComponent("authorities.json"))
        }
    }

    private func newBidder(in world: World) throws -> SampleBidder {
        let sample = try Given.newBidder(named: "测试")
        try world.deployment.pki.issueCALock(
            sample.certificate, name: sample.registered.name, creditCode: sample.registered.creditCode, key: .p256())
        return sample
    }

    @Test("A1: a list is fetched, kept over a restart while its address is away, and an older one is not taken")
    func lists() async throws {
        let port = TestDeployment.freePortBase()
        let running = try await deployment(
            revocation: #"{"policy":"hard","graceHours":0,"lists":["http://127.0.0.1:\#(port)/ca-root.crl"]}"#)
        defer { running.stop() }
        let (world, pki) = (running.world, running.deployment.pki)
        let (first, second) = (try newBidder(in: world), try newBidder(in: world))
        await refused(.revocationUnknown) { try await Agent.logIn(with: first.certificate, in: world) }
        let older = try pki.read("ca-root.crl")
        let number = try Certificate.chain(pem: pki.read("\(second.certificate).pem"))[0].serialNumber
        try pki.revoke([number])

        var server = try serve(
            "python3", ["-m", "http.server", "\(port)", "--bind", "127.0.0.1", "--directory", pki.folder.path])
        defer { stop(server) }
        _ = try await eventually("the list is fetched") {
            try? await Agent.logIn(with: first.certificate, in: world)
        }
        await refused(.certificateRevoked) { try await Agent.logIn(with: second.certificate, in: world) }

        // Whoever can play an old list back must not bring a revoked certificate to life.
        stop(server)
        try Data(older).write(to: pki.folder.appendingPathComponent("ca-root.crl"))
        running.processes.kill("auth")
        try running.processes.launch("auth")
        try await running.processes.waitUntilReady()
        _ = try await Agent.logIn(with: first.certificate, in: world)
        await refused(.certificateRevoked) { try await Agent.logIn(with: second.certificate, in: world) }
        server = try serve(
            "python3", ["-m", "http.server", "\(port)", "--bind", "127.0.0.1", "--directory", pki.folder.path])
        try await world.advance(by: .days(365 * 6))
        // Half of its life is over, so that the address is asked again; by then it is out of date for everybody.
        let log = running.deployment.logs.appendingPathComponent("auth.log")
        _ = try await eventually("the older list is offered") {
            try String(contentsOf: log, encoding: .utf8).contains("older than the one that is known") ? true : nil
        }
    }

    @Test("A1: a responder is asked; what it does not know is refused, and its last word counts within the grace")
    func responder() async throws {
        let port = TestDeployment.freePortBase()
        let running = try await deployment(
            revocation:
                #"{"policy":"hard","graceHours":24,"lists":[],"responder":"http://127.0.0.1:\#(port)/"}"#)
        defer { running.stop() }
        let (world, pki) = (running.world, running.deployment.pki)
        let (first, second, third) = (try newBidder(in: world), try newBidder(in: world), try newBidder(in: world))
        func index(_ states: [(SampleBidder, String)]) throws {
            let lines = try states.map { sample, state in
                let certificate = try Certificate.chain(pem: pki.read("\(sample.certificate).pem"))[0]
                let revokedAt = state == "R" ? "260101000000Z" : ""
                return
                    "\(state)\t400101000000Z\t\(revokedAt)\t\(certificate.serialNumber.uppercased())\tunknown\t/O=x\n"
            }
            try Data(lines.joined().utf8).write(to: pki.folder.appendingPathComponent("index.txt"))
        }
        try index([(first, "V"), (second, "R")])
        await refused(.revocationUnknown) { try await Agent.logIn(with: first.certificate, in: world) }
        let server = try serve(
            "openssl",
            [
                "ocsp", "-port", "\(port)", "-index", pki.path("index.txt"), "-CA", pki.path("ca-root.pem"), "-rsigner",
                pki.path("ca-root.pem"), "-rkey", pki.path("ca-root.key"), "-nmin", "60",
            ])
        defer { stop(server) }
        _ = try await eventually("the responder is there") {
            try? await Agent.logIn(with: first.certificate, in: world)
        }
        await refused(.certificateRevoked) { try await Agent.logIn(with: second.certificate, in: world) }
        await refused(.revocationUnknown) { try await Agent.logIn(with: third.certificate, in: world) }

        stop(server)
        try await world.advance(by: .hours(3))
        _ = try await Agent.logIn(with: first.certificate, in: world)
        try await world.advance(by: .hours(23))
        await refused(.revocationUnknown) { try await Agent.logIn(with: first.certificate, in: world) }
    }
}
