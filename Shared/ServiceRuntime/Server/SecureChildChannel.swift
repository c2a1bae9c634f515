import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import SecureTransport

/// What Hummingbird's server makes of an accepted socket: TLS, HTTP/1.1 and the responder, without the asynchronous
/// channel in between that its own channels bring.
struct SecureChildChannel<Responder: HTTPResponder>: ServerChildChannel where Responder.Context == CallContext {
    struct Value: ServerChildChannelValue {
        let channel: any Channel
    }

    let responder: Responder
    let context: ReloadingTLSContext
    let limits: ServerLimits
    /// Of the requests; the server's own logger is the framework's.
    let logger: Logger
    private let counts = ConnectionCounts()

    init(responder: Responder, context: ReloadingTLSContext, limits: ServerLimits, logger: Logger) {
        self.responder = responder
        self.context = context
        self.limits = limits
        self.logger = logger
    }

    func setup(channel: any Channel, logger _: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try counts.enter(channel, limit: limits.connectionsPerAddress)
            let pipeline = channel.pipeline.syncOperations
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerFieldBytes
            decoderLimits.maxHeaderListSize = limits.headerListBytes
            decoderLimits.maxHeaderFieldCount = limits.headerFields
            try pipeline.addHandler(
                TLSHandler(context.current, handshakeTimeout: limits.handshake, allocator: channel.allocator))
            try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: decoderLimits)))
            try pipeline.addHandler(
                HTTPServerHandler(responder, limits: limits, verifiesPeers: context.verifiesPeers, logger: logger))
            return Value(channel: channel)
        }
    }

    /// The handlers do the work; the server only has to know when the connection has ended.
    func handle(value: Value, logger: Logger) async {
        try? await value.channel.closeFuture.get()
    }
}

/// How many connections each address has, so that one cannot take the places of all.
private final class ConnectionCounts: Sendable {
    struct TooMany: Error {}

    private let counts = NIOLockedValueBox<[String: Int]>([:])

    func enter(_ channel: any Channel, limit: Int) throws {
        guard let address = channel.remoteAddress?.ipAddress else { return }
        let isAllowed = counts.withLockedValue { counts in
            guard counts[address, default: 0] < limit else { return false }
            counts[address, default: 0] += 1
            return true
        }
        guard isAllowed else {
            channel.close(promise: nil)
            throw TooMany()
        }
        channel.closeFuture.whenComplete { [self] _ in
            counts.withLockedValue { counts in
                let left = counts[address, default: 1] - 1
                counts[address] = left > 0 ? left : nil
            }
        }
    }
}
