import Cryptography
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SecureTransport

/// Certificates in a folder of their own, which goes with them.
final class TestPKI: Sendable {
    let folder: URL
    let authority: CertificateAuthority
    let now = Int64(Date().timeIntervalSince1970)

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("baohan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        authority = try CertificateAuthority(name: "test root", notBefore: now - 3_600, notAfter: now + 86_400)
        try Data(authority.certificate.pem()).write(to: folder.appendingPathComponent("root.pem"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var rootFile: String { folder.appendingPathComponent("root.pem").path }

    func identity(
        _ name: String, names: [String] = ["DNS:localhost", "IP:127.0.0.1", "URI:spiffe://baohan/order"],
        notBefore: Int64? = nil, notAfter: Int64? = nil
    ) throws -> TLSConfiguration.Identity {
        let key = try PrivateKey.p256()
        var request = CertificateAuthority.Request(
            subject: [("CN", name)], notBefore: notBefore ?? now - 60, notAfter: notAfter ?? now + 3_600)
        request.alternativeNames = names
        request.extendedKeyUsage = ["serverAuth", "clientAuth"]
        let certificate = try authority.issue(request, for: key.publicKey)
        let files = (folder.appendingPathComponent("\(name).pem"), folder.appendingPathComponent("\(name).key"))
        try Data(certificate.pem()).write(to: files.0)
        try Data(key.pem()).write(to: files.1)
        return TLSConfiguration.Identity(certificateChainFile: files.0.path, privateKeyFile: files.1.path)
    }
}

/// Sends everything back, and remembers handshakes and failures.
final class EchoServer: Sendable {
    struct Seen: Sendable {
        var handshakes: [TLSHandshake] = []
        var failures: [TLSError] = []
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let seen: NIOLockedValueBox<Seen>
        init(_ seen: NIOLockedValueBox<Seen>) { self.seen = seen }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.write(data, promise: nil) }
        func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let handshake = event as? TLSHandshake { seen.withLockedValue { $0.handshakes.append(handshake) } }
            if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let error = error as? TLSError { seen.withLockedValue { $0.failures.append(error) } }
            context.close(promise: nil)
        }
    }

    private let state: NIOLockedValueBox<Seen>
    let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }
    var seen: Seen { state.withLockedValue { $0 } }

    /// - Parameter handshakeTimeout: long, because other tests may keep every thread busy for many seconds.
    init(_ configuration: TLSConfiguration, receiveBuffer: Int? = nil, handshakeTimeout: TimeAmount = .minutes(2))
        async throws
    {
        let context = try TLSContext(.server, configuration)
        let state = NIOLockedValueBox(Seen())
        self.state = state
        var bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.backlog, value: 512)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        TLSHandler(context, handshakeTimeout: handshakeTimeout))
                    try channel.pipeline.syncOperations.addHandler(Echo(state))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.childChannelOption(
                ChannelOptions.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: receiveBuffer))
        }
        channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async throws { try await channel.close() }
}

/// One client connection that collects what it gets.
final class TestClient: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var handshake: TLSHandshake?
        var failure: TLSError?
        var isClosed = false
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let state: NIOLockedValueBox<State>
        init(_ state: NIOLockedValueBox<State>) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var part = unwrapInboundIn(data)
            let bytes = part.readBytes(length: part.readableBytes) ?? []
            state.withLockedValue { $0.bytes += bytes }
        }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let handshake = event as? TLSHandshake { state.withLockedValue { $0.handshake = handshake } }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let error = error as? TLSError { state.withLockedValue { $0.failure = $0.failure ?? error } }
        }
        func channelInactive(context: ChannelHandlerContext) { state.withLockedValue { $0.isClosed = true } }
    }

    private let state = NIOLockedValueBox(State())
    let channel: any Channel

    var bytes: [UInt8] { state.withLockedValue(\.bytes) }
    var count: Int { state.withLockedValue(\.bytes.count) }
    var handshake: TLSHandshake? { state.withLockedValue(\.handshake) }
    var failure: TLSError? { state.withLockedValue(\.failure) }
    var isClosed: Bool { state.withLockedValue(\.isClosed) }

    init(
        port: Int, _ configuration: TLSConfiguration, expecting peer: ExpectedPeer, sessions: SessionStore? = nil,
        receiveBuffer: Int? = nil
    ) async throws {
        let context = try TLSContext(.client, configuration)
        let state = state
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        TLSHandler(context, expecting: peer, sessions: sessions))
                    try channel.pipeline.syncOperations.addHandler(Collector(state))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(
                ChannelOptions.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: receiveBuffer))
        }
        channel = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
}

struct TookTooLong: Error { let what: String }

/// Waits for something that is about to be so.
func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
    for _ in 0..<12_000 {
        if try await isSo() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw TookTooLong(what: what)
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String], input: String = "") async throws -> (status: Int32, output: String) {
    try await withCheckedThrowingContinuation { continuation in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "20", program] + arguments
        let (inPipe, outPipe) = (Pipe(), Pipe())
        process.standardInput = inPipe
        process.standardOutput = outPipe
        process.standardError = outPipe
        do {
            try process.run()
        } catch {
            continuation.resume(throwing: error)
            return
        }
        DispatchQueue.global().async {
            inPipe.fileHandleForWriting.write(Data(input.utf8))
            try? inPipe.fileHandleForWriting.close()
            let output = outPipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            continuation.resume(returning: (process.terminationStatus, String(decoding: output, as: UTF8.self)))
        }
    }
}
