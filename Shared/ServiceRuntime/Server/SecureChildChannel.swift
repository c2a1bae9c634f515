import Hummingbird
import HummingbirdCore
import Logging
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
    let context: TLSContext
    let limits: ServerLimits
    /// Of the requests; the server's own logger is the framework's.
    let logger: Logger

    func setup(channel: any Channel, logger _: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerFieldBytes
            decoderLimits.maxHeaderListSize = limits.headerListBytes
            decoderLimits.maxHeaderFieldCount = limits.headerFields
            try pipeline.addHandler(
                TLSHandler(context, handshakeTimeout: limits.handshake, allocator: channel.allocator))
            try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: decoderLimits)))
            try pipeline.addHandler(HTTPServerHandler(responder, limits: limits, logger: logger))
            return Value(channel: channel)
        }
    }

    /// The handlers do the work; the server only has to know when the connection has ended.
    func handle(value: Value, logger: Logger) async {
        try? await value.channel.closeFuture.get()
    }
}
