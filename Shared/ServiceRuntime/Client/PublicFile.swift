import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// What an authority publishes over plain HTTP, such as a revocation list or the status of a certificate: it is signed
/// itself, so the way it comes needs no protection (RFC 5280, 8).
public enum PublicFile {

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// A file of up to 64 MiB: a list of a million entries has about 40 MB.
    ///
    /// - Parameter address: `http://host[:port]/path[?query]`, from the configuration and never from a certificate.
    public static func fetch(_ address: String) async throws -> [UInt8] {
        try await exchange(address, nil, limit: 64 * 1_024 * 1_024, timeout: .seconds(30))
    }

    /// The answer to a short question that a person waits for.
    public static func post(_ body: [UInt8], mediaType: String, to address: String) async throws -> [UInt8] {
        try await exchange(address, (body, mediaType), limit: 64 * 1_024, timeout: .seconds(3))
    }

    private static func exchange(
        _ address: String, _ question: (body: [UInt8], mediaType: String)?, limit: Int, timeout: TimeAmount
    ) async throws -> [UInt8] {
        guard let url = URL(string: address), url.scheme == "http", let host = url.host else {
            throw Failure(description: "the address must begin with http://")
        }
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try await ClientBootstrap(group: group).connectTimeout(timeout).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
            }
        }.connect(host: host, port: url.port ?? 80).get()
        let promise = channel.eventLoop.makePromise(of: [UInt8].self)
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(Collector(promise, limit: limit, timeout: timeout))
        }.get()
        var head = HTTPRequestHead(
            version: .http1_1, method: question == nil ? .GET : .POST,
            uri: (url.path.isEmpty ? "/" : url.path) + (url.query.map { "?\($0)" } ?? ""))
        head.headers.add(name: "host", value: host)
        head.headers.add(name: "connection", value: "close")
        if let question {
            head.headers.add(name: "content-type", value: question.mediaType)
            head.headers.add(name: "content-length", value: String(question.body.count))
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let question {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: question.body))), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        defer { channel.close(promise: nil) }
        return try await promise.futureResult.get()
    }

    /// Gathers one answer.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let promise: EventLoopPromise<[UInt8]>
        private let limit: Int
        private let timeout: TimeAmount
        private var deadline: Scheduled<Void>?
        private var bytes: [UInt8] = []

        init(_ promise: EventLoopPromise<[UInt8]>, limit: Int, timeout: TimeAmount) {
            self.promise = promise
            self.limit = limit
            self.timeout = timeout
        }

        func handlerAdded(context: ChannelHandlerContext) {
            deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [self] in
                promise.fail(Failure(description: "no answer in time"))
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                if head.status != .ok { promise.fail(Failure(description: "answered with \(head.status.code)")) }
            case .body(let part):
                bytes += part.readableBytesView
                if bytes.count > limit { promise.fail(Failure(description: "more than \(limit) bytes")) }
            case .end:
                deadline?.cancel()
                promise.succeed(bytes)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { promise.fail(error) }

        func channelInactive(context: ChannelHandlerContext) {
            deadline?.cancel()
            promise.fail(Failure(description: "closed before the end"))
        }
    }
}
