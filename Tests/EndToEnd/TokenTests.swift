import Contracts
import Cryptography
import Foundation
import Testing

@testable import Baohan

@Suite("Keys in hardware")
struct TokenTests {
    @Test("session, document and TLS keys live in a PKCS #11 token; Auth and Order work with them and hold none")
    func softToken() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("token-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("tokens"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = folder.appendingPathComponent("softhsm2.conf")
        try Data("directories.tokendir = \(folder.path)/tokens\n".utf8).write(to: configuration)
        let environment = [
            "SOFTHSM2_CONF": configuration.path, "PKCS11_MODULE_PATH": "/usr/lib/softhsm/libsofthsm2.so",
        ]
        func softhsm(_ arguments: [String]) async throws {
            let result = try await run("env", environment.map { "\($0)=\($1)" } + ["softhsm2-util"] + arguments)
            #expect(result.status == 0, "\(result.output)")
        }
        try await softhsm(["--init-token", "--free", "--label", "baohan", "--pin", "1234", "--so-pin", "5678"])
        let pin = folder.appendingPathComponent("pin")
        try Data("1234".utf8).write(to: pin)

        let running = try await TestDeployment(environment: environment) { deployment in
            // The keys go into the token, and a line with their address takes their place.
            for (number, name) in ["session", "signing", "auth"].enumerated() {
                let file = deployment.pki.path("\(name).key")
                try await softhsm([
                    "--import", file, "--token", "baohan", "--label", name, "--id", "a\(number)", "--pin", "1234",
                ])
                try Data("pkcs11:token=baohan;object=\(name);type=private?pin-source=file:\(pin.path)\n".utf8)
                    .write(to: URL(fileURLWithPath: file))
            }
        }
        defer { running.stop() }
        let bidder = try await Given.bidder(in: running.world)
        _ = try await running.world.orders.on(behalfOf: bidder.session).call(.lots, LotQuery())
        #expect(try await running.world.orders.call(.ready).status == "ready")
    }
}
