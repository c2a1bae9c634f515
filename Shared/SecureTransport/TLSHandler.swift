import NIOCore

/// TLS on a channel: the first handler of a pipeline, between the socket and the application's bytes.
///
/// Writes are gathered until a flush and become as few records as possible. Closing sends close_notify and waits a
/// moment for the peer's. A handshake that fails, or takes too long, is reported as ``TLSError/handshake(_:)`` through
/// `errorCaught` and closes the channel.
public final class TLSHandler: ChannelDuplexHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    /// Largest plaintext of one record (RFC 8446, 5.1); gathered writes are cut at it.
    private static let recordSize = 16_384
    /// Encrypted bytes handed to the socket at once while a large write is worked through.
    private static let chunkSize = 128 * 1_024
    /// How long to wait for the peer's close_notify; a peer that does not answer has nothing more to say.
    private static let closeTimeout = TimeAmount.seconds(1)

    private enum State {
        case idle
        case handshaking
        case open
        /// Our close_notify is out; after a half-close what the peer still says is delivered.
        case closing(half: Bool)
        case closed
    }

    private let connection: TLSConnection
    private let handshakeTimeout: TimeAmount
    private var state = State.idle
    private var pending = MarkedCircularBuffer<(ByteBuffer, EventLoopPromise<Void>?)>(initialCapacity: 4)
    private var gathered = ByteBuffer()
    private var deadline: Scheduled<Void>?
    private var closePromise: EventLoopPromise<Void>?
    private var peerHasClosed = false
    private var deliveredInThisRead = false
    private var wantsRead = false

    /// - Parameters:
    ///   - expecting: whom a client must find; nil on a server.
    ///   - sessions: where a client keeps sessions for resumption; one store per destination.
    public init(
        _ context: TLSContext, expecting peer: ExpectedPeer? = nil, sessions: SessionStore? = nil,
        handshakeTimeout: TimeAmount = .seconds(10), allocator: ByteBufferAllocator = ByteBufferAllocator()
    ) throws {
        connection = try TLSConnection(context, expecting: peer, sessions: sessions, allocator: allocator)
        self.handshakeTimeout = handshakeTimeout
    }

    // MARK: Life of the channel

    public func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    public func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard case .idle = state else { return }
        state = .handshaking
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: handshakeTimeout) {
            self.fail(context, .handshake(HandshakeFailure(.timedOut, "no handshake within \(self.handshakeTimeout)")))
        }
        shakeHands(context)
    }

    public func channelInactive(context: ChannelHandlerContext) {
        if case .handshaking = state {
            context.fireErrorCaught(TLSError.handshake(HandshakeFailure(.closed, "the peer closed in the middle")))
        } else if case .open = state, !peerHasClosed {
            context.fireErrorCaught(TLSError.truncated)
        }
        finish(TLSError.closed)
        context.fireChannelInactive()
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        finish(TLSError.closed)
    }

    // MARK: Inbound

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.io.receive(unwrapInboundIn(data))
        advance(context)
    }

    private func advance(_ context: ChannelHandlerContext) {
        if case .handshaking = state { shakeHands(context) }
        switch state {
        case .open, .closing: decrypt(context)
        case .idle, .handshaking, .closed: break
        }
    }

    private func shakeHands(_ context: ChannelHandlerContext) {
        let progress = connection.handshake()
        send(context, promise: nil)
        switch progress {
        case .wantsInput: break
        case .failed(let failure): fail(context, .handshake(failure))
        case .finished:
            deadline?.cancel()
            deadline = nil
            state = .open
            context.fireUserInboundEventTriggered(connection.summary())
            encryptPending(context)
        }
    }

    private func decrypt(_ context: ChannelHandlerContext) {
        var plaintext = context.channel.allocator.buffer(capacity: max(1_024, connection.io.input.readableBytes))
        let outcome = connection.read(into: &plaintext)
        if plaintext.readableBytes > 0, delivers {
            deliveredInThisRead = true
            context.fireChannelRead(wrapInboundOut(plaintext))
        }
        send(context, promise: nil)
        switch outcome {
        case .wantsInput: break
        case .ended: peerClosed(context)
        case .failed(let error):
            if case .closing = state { context.close(promise: nil) } else { fail(context, error) }
        }
    }

    private var delivers: Bool {
        switch state {
        case .open, .closing(half: true): true
        case .idle, .handshaking, .closing(half: false), .closed: false
        }
    }

    private func peerClosed(_ context: ChannelHandlerContext) {
        guard !peerHasClosed else { return }
        peerHasClosed = true
        if case .closing = state {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        // The socket's end: what close_notify would have announced, or a truncation.
        connection.io.inputEnded = true
        switch state {
        case .handshaking: shakeHands(context)
        case .closing: context.close(promise: nil)
        case .open where !peerHasClosed: fail(context, .truncated)
        case .idle, .open, .closed: break
        }
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        // Records without application data must not starve a reader that pulls.
        if !deliveredInThisRead, wantsRead { context.read() } else { wantsRead = false }
        deliveredInThisRead = false
        context.fireChannelReadComplete()
    }

    public func read(context: ChannelHandlerContext) {
        wantsRead = true
        context.read()
    }

    // MARK: Outbound

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch state {
        case .closing, .closed: promise?.fail(TLSError.closed)
        case .idle, .handshaking, .open: pending.append((unwrapOutboundIn(data), promise))
        }
    }

    public func flush(context: ChannelHandlerContext) {
        pending.mark()
        if case .open = state { encryptPending(context) } else { context.flush() }
    }

    private func encryptPending(_ context: ChannelHandlerContext) {
        guard pending.hasMark else { return }
        var written: EventLoopPromise<Void>?
        do {
            while pending.hasMark, let (buffer, promise) = pending.popFirst() {
                if let promise {
                    if let written { written.futureResult.cascade(to: promise) } else { written = promise }
                }
                if gathered.readableBytes + buffer.readableBytes > Self.recordSize { try encryptGathered() }
                if buffer.readableBytes < Self.recordSize {
                    gathered.writeImmutableBuffer(buffer)
                } else {
                    try encrypt(buffer, context)
                }
            }
            try encryptGathered()
        } catch {
            written?.fail(error)
            return fail(context, error as? TLSError ?? .protocolViolation("\(error)"))
        }
        // Large writes went out without a flush; an empty buffer behind them carries the promise.
        context.writeAndFlush(wrapOutboundOut(connection.io.takeOutput() ?? ByteBuffer()), promise: written)
    }

    private func encryptGathered() throws {
        guard gathered.readableBytes > 0 else { return }
        try encrypt(gathered)
        // Idle connections keep no scratch memory; busy ones get theirs back from the allocator at once.
        gathered = ByteBuffer()
    }

    /// A large write in pieces, so that its ciphertext does not stand in memory all at once.
    private func encrypt(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) throws {
        var rest = buffer
        while let piece = rest.readSlice(length: min(Self.chunkSize, rest.readableBytes)), piece.readableBytes > 0 {
            try encrypt(piece)
            if let output = connection.io.takeOutput() { context.write(wrapOutboundOut(output), promise: nil) }
        }
    }

    private func encrypt(_ buffer: ByteBuffer) throws {
        try buffer.withUnsafeReadableBytes { bytes in
            guard try connection.write(bytes) else { throw TLSError.protocolViolation("the peer renegotiates") }
        }
    }

    private func send(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        guard let output = connection.io.takeOutput() else {
            promise?.succeed()
            return
        }
        context.writeAndFlush(wrapOutboundOut(output), promise: promise)
    }

    // MARK: Closing

    public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch (state, mode) {
        case (.open, .all), (.open, .output):
            pending.mark()
            encryptPending(context)
            guard case .open = state else { return context.close(mode: mode, promise: promise) }
            state = .closing(half: mode == .output)
            let bothClosed = connection.shutdown()
            send(context, promise: nil)
            if mode == .output {
                promise?.succeed()
                return
            } else if bothClosed || peerHasClosed {
                context.close(promise: promise)
                return
            } else {
                closePromise = promise
            }
            awaitPeer(context)
        case (.closing(half: true), .all):
            context.close(promise: promise)
        case (.closing(half: false), .all):
            if let promise {
                if let closePromise { closePromise.futureResult.cascade(to: promise) } else { closePromise = promise }
            }
        default: context.close(mode: mode, promise: promise)
        }
    }

    private func awaitPeer(_ context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTimeout) {
            context.close(promise: nil)
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ error: TLSError) {
        if case .closed = state { return }
        send(context, promise: nil)
        finish(error)
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    private func finish(_ error: TLSError) {
        state = .closed
        deadline?.cancel()
        deadline = nil
        while let (_, promise) = pending.popFirst() { promise?.fail(error) }
        closePromise?.succeed()
        closePromise = nil
    }
}
