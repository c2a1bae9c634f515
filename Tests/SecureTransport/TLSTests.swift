import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import SecureTransport

/// One way in which a client and a server do not fit.
struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let reason: HandshakeFailure.Reason
    var expecting = ExpectedPeer.host("localhost")
    var server: @Sendable (inout TLSConfiguration, TestPKI) throws -> Void = { _, _ in }
    var client: @Sendable (inout TLSConfiguration, TestPKI) throws -> Void = { _, _ in }
}

private let refusalCases = [
    Refusal(testDescription: "wrong host", reason: .wrongHost, expecting: .host("example.com")),
    Refusal(testDescription: "wrong identity", reason: .wrongIdentity, expecting: .uri("spiffe://baohan/payment")),
    Refusal(
        testDescription: "expired", reason: .expired,
        server: { $0.identity = try $1.identity("old", notBefore: $1.now - 7_200, notAfter: $1.now - 3_600) }),
    Refusal(
        testDescription: "not yet valid", reason: .notYetValid,
        server: { $0.identity = try $1.identity("new", notBefore: $1.now + 3_600, notAfter: $1.now + 7_200) }),
    Refusal(
        testDescription: "wrong roots", reason: .untrusted,
        client: { $0.trustRootsFile = try TestPKI.otherRoot($1) }),
    Refusal(
        testDescription: "no trust", reason: .untrusted,
        client: { configuration, _ in configuration.trustRootsFile = nil }),
    Refusal(
        testDescription: "no shared version", reason: .version,
        server: { configuration, _ in configuration.minimumVersion = .tls13 },
        client: { configuration, _ in configuration.maximumVersion = .tls12 }),
    Refusal(
        testDescription: "no shared protocol", reason: .refusedByPeer,
        client: { configuration, _ in configuration.applicationProtocols = ["h2"] }),
]

@Suite("TLS on OpenSSL")
struct TLSTests {
    let pki: TestPKI
    let server: TLSConfiguration.Identity
    let client: TLSConfiguration.Identity

    init() throws {
        pki = try TestPKI()
        server = try pki.identity("server")
        client = try pki.identity("client", names: ["URI:spiffe://baohan/tool"])
    }

    func serverSide(_ change: (inout TLSConfiguration) -> Void = { _ in }) -> TLSConfiguration {
        var configuration = TLSConfiguration(
            identity: server, trustRootsFile: pki.rootFile, clientCertificates: .required)
        change(&configuration)
        return configuration
    }

    func clientSide(_ change: (inout TLSConfiguration) -> Void = { _ in }) -> TLSConfiguration {
        var configuration = TLSConfiguration(identity: client, trustRootsFile: pki.rootFile)
        change(&configuration)
        return configuration
    }

    func echo(_ count: Int, through connection: TestClient) async throws {
        let pattern = (0..<min(count, 65_521)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += pattern.prefix(count - bytes.count) }
        try await connection.send(bytes)
        try await eventually("\(count) bytes came back") { connection.count >= count }
        #expect(connection.bytes == bytes)
    }

    // MARK: What works

    @Test(
        "both versions, mutual, with ALPN, and each side knows the other",
        arguments: [TLSConfiguration.Version.tls12, .tls13])
    func versions(_ version: TLSConfiguration.Version) async throws {
        let server = try await EchoServer(serverSide())
        let connection = try await TestClient(
            port: server.port, clientSide { $0.maximumVersion = version }, expecting: .uri("spiffe://baohan/order"))
        try await echo(1_000, through: connection)
        let (here, there) = (try #require(connection.handshake), try #require(server.seen.handshakes.first))
        #expect(here.version == version && there.version == version)
        #expect(here.applicationProtocol == "http/1.1" && there.applicationProtocol == "http/1.1")
        #expect(here.peer?.uris == ["spiffe://baohan/order"])
        #expect(there.peer?.uris == ["spiffe://baohan/tool"])
        #expect(there.peer?.chain.count == 1)
        try await connection.channel.close()
        try await server.stop()
    }

    @Test("a host name is checked and sent as SNI")
    func serverName() async throws {
        let server = try await EchoServer(serverSide())
        let connection = try await TestClient(port: server.port, clientSide(), expecting: .host("localhost"))
        try await echo(10, through: connection)
        #expect(server.seen.handshakes.first?.serverName == "localhost")
        let byAddress = try await TestClient(port: server.port, clientSide(), expecting: .host("127.0.0.1"))
        try await echo(10, through: byAddress)
        try await connection.channel.close()
        try await byAddress.channel.close()
        try await server.stop()
    }

    @Test("ten megabytes go both ways", arguments: [TLSConfiguration.Version.tls12, .tls13])
    func large(_ version: TLSConfiguration.Version) async throws {
        let server = try await EchoServer(serverSide())
        let connection = try await TestClient(
            port: server.port, clientSide { $0.maximumVersion = version }, expecting: .host("localhost"))
        try await echo(10 * 1_024 * 1_024, through: connection)
        try await connection.channel.close()
        try await server.stop()
    }

    @Test("one byte at a time is enough, on both sides")
    func singleBytes() async throws {
        let server = try await EchoServer(serverSide(), receiveBuffer: 1)
        let connection = try await TestClient(
            port: server.port, clientSide(), expecting: .host("localhost"), receiveBuffer: 1)
        try await echo(3_000, through: connection)
        try await connection.channel.close()
        try await server.stop()
    }

    @Test("a session is resumed, with the client's certificate", arguments: [TLSConfiguration.Version.tls12, .tls13])
    func resumption(_ version: TLSConfiguration.Version) async throws {
        let server = try await EchoServer(serverSide { $0.maximumVersion = version })
        let sessions = SessionStore()
        for round in 0..<3 {
            let connection = try await TestClient(
                port: server.port, clientSide(), expecting: .host("localhost"), sessions: sessions)
            try await echo(10, through: connection)
            #expect(connection.handshake?.isResumed == (round > 0))
            #expect(server.seen.handshakes.last?.peer?.uris == ["spiffe://baohan/tool"])
            try await connection.channel.close()
        }
        try await server.stop()
    }

    @Test("closing sends close_notify, and the other side sees an end and no truncation")
    func closing() async throws {
        let server = try await EchoServer(serverSide())
        let connection = try await TestClient(port: server.port, clientSide(), expecting: .host("localhost"))
        try await echo(10, through: connection)
        try await connection.channel.close()
        try await eventually("the connection has ended") { connection.isClosed }
        #expect(connection.failure == nil)
        #expect(server.seen.failures.isEmpty)
        try await server.stop()
    }

    // MARK: What is refused

    @Test("a client refuses, and says why", arguments: refusalCases)
    func refusals(_ refusal: Refusal) async throws {
        var (serverConfiguration, clientConfiguration) = (serverSide(), clientSide())
        try refusal.server(&serverConfiguration, pki)
        try refusal.client(&clientConfiguration, pki)
        let server = try await EchoServer(serverConfiguration)
        let connection = try await TestClient(port: server.port, clientConfiguration, expecting: refusal.expecting)
        try await eventually("the connection is refused") { connection.isClosed }
        guard case .handshake(let failure) = connection.failure else {
            Issue.record("\(String(describing: connection.failure))")
            return
        }
        #expect(failure.reason == refusal.reason, "\(failure)")
        #expect(!failure.detail.isEmpty)
        try await server.stop()
    }

    @Test("a server refuses a client without a certificate, and one from a strange authority")
    func clientCertificates() async throws {
        let server = try await EchoServer(serverSide())
        let nobody = try await TestClient(
            port: server.port, clientSide { $0.identity = nil }, expecting: .host("localhost"))
        try await eventually("the nobody is refused") { nobody.isClosed && !server.seen.failures.isEmpty }
        let strangers = try TestPKI()
        let identity = try strangers.identity("stranger")
        let stranger = try await TestClient(
            port: server.port, clientSide { $0.identity = identity }, expecting: .host("localhost"))
        try await eventually("the stranger is refused") { stranger.isClosed && server.seen.failures.count == 2 }
        let reasons = server.seen.failures.compactMap { error -> HandshakeFailure.Reason? in
            if case .handshake(let failure) = error { failure.reason } else { nil }
        }
        #expect(reasons == [.noPeerCertificate, .untrusted])
        try await server.stop()
    }

    @Test("an unverified client certificate is required, handed on, and its key proven")
    func unverified() async throws {
        let server = try await EchoServer(serverSide { $0.clientCertificates = .requiredUnverified })
        let strangers = try TestPKI()
        let identity = try strangers.identity("stranger", names: ["URI:spiffe://elsewhere/x"])
        let stranger = try await TestClient(
            port: server.port, clientSide { $0.identity = identity }, expecting: .host("localhost"))
        try await echo(10, through: stranger)
        #expect(server.seen.handshakes.first?.peer?.uris == ["spiffe://elsewhere/x"])
        let nobody = try await TestClient(
            port: server.port, clientSide { $0.identity = nil }, expecting: .host("localhost"))
        try await eventually("the nobody is refused") { nobody.isClosed }
        try await stranger.channel.close()
        try await server.stop()
    }

    @Test("key and certificate that do not belong together, and missing files, stop the start")
    func configuration() throws {
        var mixed = serverSide()
        mixed.identity?.privateKeyFile = client.privateKeyFile
        #expect(throws: TLSError.self) { try TLSContext(.server, mixed) }
        #expect(throws: TLSError.self) { try TLSContext(.client, clientSide { $0.trustRootsFile = "/nowhere" }) }
    }

    // MARK: Bad peers

    private func rawConnection(to port: Int) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port)
            .get()
    }

    @Test(
        "garbage is answered by closing",
        arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{03}\u{01}\u{FF}\u{FF}nonsense", "\0\0\0\0\0\0\0\0"])
    func garbage(_ text: String) async throws {
        let server = try await EchoServer(serverSide())
        let channel = try await rawConnection(to: server.port)
        // The server may close before all of it is out.
        try? await channel.writeAndFlush(
            ByteBuffer(
                bytes: text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
                    + [UInt8](repeating: 0x41, count: 2_000)))
        try await channel.closeFuture.get()
        try await eventually("the server saw it") { !server.seen.failures.isEmpty }
        try await server.stop()
    }

    @Test("a peer that goes away in the handshake is noticed")
    func truncatedHandshake() async throws {
        let server = try await EchoServer(serverSide())
        let channel = try await rawConnection(to: server.port)
        try await channel.writeAndFlush(ByteBuffer(bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
        try await channel.close()
        try await eventually("the server saw it") {
            server.seen.failures.contains {
                if case .handshake(let failure) = $0 { failure.reason == .closed } else { false }
            }
        }
        try await server.stop()
    }

    @Test("a peer that says nothing is shut out after the time-out")
    func silence() async throws {
        let server = try await EchoServer(serverSide(), handshakeTimeout: .milliseconds(100))
        let channel = try await rawConnection(to: server.port)
        try await channel.closeFuture.get()
        #expect(
            server.seen.failures.contains {
                if case .handshake(let failure) = $0 { failure.reason == .timedOut } else { false }
            })
        try await server.stop()
    }

    @Test("a socket that ends without close_notify is a truncation")
    func truncation() async throws {
        let server = try await EchoServer(serverSide())
        let connection = try await TestClient(port: server.port, clientSide(), expecting: .host("localhost"))
        try await echo(10, through: connection)
        // Below the TLS handler, as a crash would.
        let channel = connection.channel
        try await channel.eventLoop.submit {
            let handler = try channel.pipeline.syncOperations.handler(type: TLSHandler.self)
            try channel.pipeline.syncOperations.context(handler: handler).close(promise: nil)
        }.get()
        try await eventually("the server saw it") { server.seen.failures.contains(.truncated) }
        try await server.stop()
    }

    // MARK: Many, and none left

    /// Knows whether a handler is still in memory.
    private struct Weak: Sendable {
        // Written once, before it is shared, and only compared with nil afterwards.
        nonisolated(unsafe) weak var handler: TLSHandler?
    }

    @Test("200 connections at a time, and afterwards no socket and no SSL is left")
    func manyAndNoLeak() async throws {
        let server = try await EchoServer(serverSide())
        let configuration = clientSide()
        let port = server.port
        var handlers: [Weak] = []
        do {
            let connections = try await withThrowingTaskGroup(of: TestClient.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await TestClient(port: port, configuration, expecting: .host("localhost")) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for connection in connections { try await echo(500, through: connection) }
            for connection in connections {
                handlers.append(
                    try await connection.channel.eventLoop.submit {
                        Weak(handler: try connection.channel.pipeline.syncOperations.handler(type: TLSHandler.self))
                    }.get())
            }
            #expect(try Self.sockets(at: port) >= 400)
            for connection in connections { connection.channel.close(promise: nil) }
            for connection in connections { try await connection.channel.closeFuture.get() }
        }
        try await server.stop()
        try await eventually("no socket is left") { try Self.sockets(at: port) == 0 }
        try await eventually("no handler is left") { handlers.allSatisfy { $0.handler == nil } }
    }

    /// This process's TCP sockets at `port`, either end, but those that only wait for their time to pass.
    private static func sockets(at port: Int) throws -> Int {
        let suffix = ":" + String(port, radix: 16, uppercase: true)
        let own = Set(
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            })
        let table = try FileHandle(forReadingAtPath: "/proc/net/tcp")?.readToEnd() ?? Data()
        return String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst().filter {
            line in
            let fields = line.split(separator: " ")
            return (fields[1].hasSuffix(suffix) || fields[2].hasSuffix(suffix)) && fields[3] != "06"
                && fields[3] != "0A" && own.contains("socket:[\(fields[9])]")
        }.count
    }

    // MARK: Other programs

    @Test("openssl s_client talks to our server", arguments: ["-tls1_2", "-tls1_3"])
    func opensslClient(_ version: String) async throws {
        let server = try await EchoServer(serverSide())
        let common = [
            "s_client", "-connect", "127.0.0.1:\(server.port)", "-CAfile", pki.rootFile, "-verify_return_error",
            version,
        ]
        let (_, output) = try await run(
            "sh",
            [
                "-c",
                "(echo hello; sleep 0.5) | openssl "
                    + (common + [
                        "-quiet", "-no_ign_eof", "-cert", client.certificateChainFile, "-key", client.privateKeyFile,
                    ]).joined(
                        separator: " "),
            ])
        #expect(output.contains("hello"), "\(output)")
        let without = try await run("sh", ["-c", "sleep 0.5 | openssl " + common.joined(separator: " ")])
        #expect(without.output.contains("alert certificate required") || without.output.contains("handshake failure"))
        try await server.stop()
    }

    @Test("our client talks to openssl s_server", arguments: ["-tls1_2", "-tls1_3"])
    func opensslServer(_ version: String) async throws {
        let port = try await Self.freePort()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = [
            "s_server", "-accept", "\(port)", "-cert", server.certificateChainFile, "-key", server.privateKeyFile,
            "-CAfile",
            pki.rootFile, "-Verify", "2", "-verify_return_error", version, "-rev", "-quiet",
        ]
        process.standardInput = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // s_server does not end when it is asked to.
        defer { kill(process.processIdentifier, SIGKILL) }
        var found: TestClient?
        try await eventually("s_server listens") {
            found = try? await TestClient(
                port: port, clientSide { $0.applicationProtocols = [] }, expecting: .host("localhost"))
            return found != nil
        }
        let connection = try #require(found)
        try await connection.send(Array("hello\n".utf8))
        try await eventually("the line came back, reversed") { connection.bytes == Array("olleh\n".utf8) }
        try await connection.channel.close()
    }

    /// Below the ports that the system gives to outgoing connections: one of these might take it first.
    private static func freePort() async throws -> Int {
        while true {
            let port = Int.random(in: 30_000..<32_768)
            let channel = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
                host: "127.0.0.1", port: port
            ).get()
            guard let channel else { continue }
            try await channel.close()
            return port
        }
    }
}

extension TestPKI {
    static func otherRoot(_ pki: TestPKI) throws -> String {
        let other = try TestPKI()
        let file = pki.folder.appendingPathComponent("other-root.pem")
        try FileManager.default.copyItem(atPath: other.rootFile, toPath: file.path)
        return file.path
    }
}
