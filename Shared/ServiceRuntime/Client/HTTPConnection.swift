import Contracts
import NIOCore
import NIOHTTP1
import SecureTransport

/// What a call to another party can end in, besides an answer.
enum ClientFailure: Error, Equatable {
    case connect(String)
    case handshake(HandshakeFailure)
    /// The deadline passed; whether the other side did the work is unknown.
    case deadline
    /// The connection died before the first byte of the answer.
    case closedBeforeAnswer
    case closedInAnswer
    /// Too many calls wait already.
    case overloaded
    case answerTooLarge
    case shutDown
}

/// One request and one answer, as bytes.
struct ClientRequest: Sendable {
    let head: HTTPRequestHead
    let body: [UInt8]
    /// Whether the request may be sent again when nobody knows if it arrived.
    let isRepeatable: Bool
}

struct ClientReply: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]
}

/// One connection of a pool: a call at a time, in order.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// Larger answers than documents of a few megabytes are a mistake.
    private static let maximumAnswer = 16 * 1_024 * 1_024

    private var promise: EventLoopPromise<ClientReply>?
    private var deadline: Scheduled<Void>?
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var failure: ClientFailure?
    private var context: ChannelHandlerContext?
    private var isOpen: EventLoopPromise<Void>?

    /// - Parameter isOpen: succeeds when the handshake has.
    init(isOpen: EventLoopPromise<Void>) {
        self.isOpen = isOpen
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is TLSHandshake {
            isOpen?.succeed()
            isOpen = nil
        } else if let event = event as? ChannelEvent, event == .inputClosed {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Sends `request`; on the connection's loop.
    func send(_ request: ClientRequest, deadline: NIODeadline, promise: EventLoopPromise<ClientReply>) {
        guard let context, context.channel.isActive, self.promise == nil else {
            return promise.fail(ClientFailure.closedBeforeAnswer)
        }
        self.promise = promise
        self.deadline = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            end(.deadline)
        }
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        if !request.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: request.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Gives the call up; on the connection's loop.
    func cancel() { end(.deadline) }

    private func end(_ failure: ClientFailure) {
        self.failure = failure
        finish(.failure(failure))
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let part):
            guard body.count + part.readableBytes <= Self.maximumAnswer else { return end(.answerTooLarge) }
            body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let head else { return }
            self.head = nil
            finish(.success(ClientReply(status: Int(head.status.code), headers: head.headers, body: body)))
            body = []
            if !head.isKeepAlive { context.close(promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .handshake(let failure) = error as? TLSError {
            isOpen?.fail(ClientFailure.handshake(failure))
            isOpen = nil
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOpen?.fail(ClientFailure.connect("closed during the handshake"))
        isOpen = nil
        finish(.failure(head == nil ? .closedBeforeAnswer : .closedInAnswer))
        context.fireChannelInactive()
    }

    private func finish(_ result: Result<ClientReply, ClientFailure>) {
        deadline?.cancel()
        deadline = nil
        guard let promise else { return }
        self.promise = nil
        switch result {
        case .success(let reply): promise.succeed(reply)
        case .failure(let failure): promise.fail(failure)
        }
    }
}
