import Contracts
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import SecureTransport

/// The last handler of a server's pipeline: collects a bounded request, runs the responder as one task on the
/// connection's loop, writes the answer as one buffer and flushes once per turn of the loop.
final class HTTPServerHandler<Responder: HTTPResponder>: ChannelInboundHandler where Responder.Context == CallContext {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private struct Received {
        let head: HTTPRequestHead
        var body: ByteBuffer?
        var isTooLarge = false
    }

    private let responder: Responder
    private let limits: ServerLimits
    /// Where people show certificates of their own, anybody can write a party's name into one.
    private let verifiesPeers: Bool
    private let logger: Logger
    private var callers: Set<Party> = []
    private var insurers: Set<String> = []
    private var peerChain: [[UInt8]] = []
    private var address = ""
    private var receiving: Received?
    private var waiting = CircularBuffer<Received>(initialCapacity: 1)
    private var task: Task<Void, Never>?
    private var flushIsScheduled = false
    private var closesAfterAnswer = false
    private var watch: Scheduled<Void>?
    private var lastActivity = NIODeadline.now()

    init(_ responder: Responder, limits: ServerLimits, verifiesPeers: Bool, logger: Logger) {
        self.responder = responder
        self.verifiesPeers = verifiesPeers
        self.limits = limits
        self.logger = logger
    }

    // MARK: Life of the connection

    func handlerAdded(context: ChannelHandlerContext) {
        address = context.channel.remoteAddress?.ipAddress ?? ""
        scheduleWatch(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch?.cancel()
        task?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as TLSError: logger.debug("connection failed", metadata: ["reason": "\(error)"])
        case is HTTPParserError:
            if task == nil, receiving == nil { refuse(context, Problem(.malformedRequest)) }
        default: logger.debug("connection failed", metadata: ["reason": "\(error)"])
        }
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let handshake as TLSHandshake:
            let names = verifiesPeers ? handshake.peer?.uris ?? [] : []
            callers = Set(names.compactMap(Party.init(uri:)))
            insurers = Set(names.compactMap(Party.insurer(inURI:)))
            peerChain = handshake.peer?.chain ?? []
        case is ChannelShouldQuiesceEvent, ChannelEvent.inputClosed:
            closesAfterAnswer = true
            if task == nil { context.close(promise: nil) }
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// One timer per connection instead of several per request: every few seconds it looks for what takes too long.
    private func scheduleWatch(_ context: ChannelHandlerContext) {
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: limits.watch) { [self] in
            let quiet = NIODeadline.now() - lastActivity
            if let task {
                if quiet >= limits.deadline { task.cancel() }
            } else if quiet >= (receiving == nil ? limits.idle : limits.receive) {
                return context.close(promise: nil)
            }
            scheduleWatch(context)
        }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if receiving == nil { lastActivity = .now() }
            receiving = Received(head: head)
            if head.headers.contains(name: "expect") {
                send(context, ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
            }
        case .body(var part):
            guard var received = receiving, !received.isTooLarge else { return }
            receiving = nil
            if (received.body?.readableBytes ?? 0) + part.readableBytes > limits.bodyBytes {
                received.isTooLarge = true
                received.body = nil
            } else if received.body == nil {
                received.body = part
            } else {
                received.body?.writeBuffer(&part)
            }
            receiving = received
        case .end:
            guard let received = receiving else { return }
            receiving = nil
            lastActivity = .now()
            if task == nil {
                answer(context, received)
            } else if waiting.count < limits.pipelinedRequests {
                waiting.append(received)
            } else {
                context.close(promise: nil)
            }
        }
    }

    private func answer(_ context: ChannelHandlerContext, _ received: Received) {
        let headers = received.head.headers
        if !received.head.isKeepAlive { closesAfterAnswer = true }
        guard !received.isTooLarge else {
            closesAfterAnswer = true
            return refuse(context, Problem(.bodyTooLarge, "at most \(limits.bodyBytes) bytes"))
        }
        guard let head = HTTPRequest(received.head) else {
            return refuse(context, Problem(.malformedRequest))
        }
        // The body travels in the context: taking it out of the request again would cost a suspension.
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        let scope = RequestScope(
            requestID: headers.first(name: "x-request-id"), traceparent: headers.first(name: "traceparent"))
        let call = CallContext(
            source: ConnectionSource(
                logger: logger, callers: callers, insurers: insurers, peerChain: peerChain, address: address,
                scope: scope,
                body: received.body ?? ByteBuffer()))
        let responder = responder
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        task = Task(executorPreference: LoopExecutor.of(context.eventLoop)) {
            let reply = await HTTPReplyBytes.from(responder, request, call)
            let (handler, context) = bound.value
            handler.finish(context, reply)
        }
    }

    private func finish(_ context: ChannelHandlerContext, _ reply: HTTPReplyBytes?) {
        task = nil
        lastActivity = .now()
        guard context.channel.isActive else { return }
        guard let reply else { return context.close(promise: nil) }
        send(context, reply.bytes(closing: closesAfterAnswer))
        if closesAfterAnswer {
            context.close(promise: nil)
        } else if let next = waiting.popFirst() {
            answer(context, next)
        }
    }

    /// A refusal before there is a request to route.
    private func refuse(_ context: ChannelHandlerContext, _ problem: Problem) {
        let scope = RequestScope(requestID: nil, traceparent: nil)
        let reply = HTTPReplyBytes(problem, language: .chinese, scope: scope)
        send(context, reply.bytes(closing: true))
        context.close(promise: nil)
    }

    private func send(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        context.write(wrapOutboundOut(bytes), promise: nil)
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        context.eventLoop.assumeIsolated().execute { [self] in
            flushIsScheduled = false
            context.flush()
        }
    }
}

extension HTTPRequest {
    /// nil for a request line that is no HTTP request. The library takes every target apart as a URL; what clients send
    /// is a path (origin form, RFC 9112, 3.2.1), which needs none of that.
    fileprivate init?(_ head: HTTPRequestHead) {
        if head.uri.utf8.first == UInt8(ascii: "/"), let method = try? Method(head.method) {
            self.init(
                method: method, scheme: "https", authority: head.headers.first(name: "host"), path: head.uri,
                headerFields: HTTPFields(head.headers, splitCookie: false))
        } else if let request = try? HTTPRequest(head, secure: true, splitCookie: false) {
            self = request
        } else {
            return nil
        }
    }
}
