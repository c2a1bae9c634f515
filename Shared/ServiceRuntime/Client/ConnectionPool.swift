import Contracts
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import SecureTransport

/// Keep-alive connections to one destination, and the calls that wait for one.
final class ConnectionPool: Sendable {
    struct Limits: Sendable {
        /// Enough for every call that a service makes at a time on two cores; more only queue at the other end.
        var connections = 64
        /// Calls that wait for a connection; one more is refused at once rather than made to wait in vain.
        var waiting = 1_024
        var connect = TimeAmount.seconds(3)
        /// Below the server's idle time-out, so that a connection is seldom taken in the moment of its end.
        var idle = TimeAmount.seconds(60)
    }

    /// A connection that can be handed from call to call.
    private struct Open: Sendable {
        let channel: any Channel
        let handler: NIOLoopBound<HTTPConnection>
        let idleSince: NIODeadline
        /// Whether it has served a call before; only then may its death be an accident of idling.
        let isUsed: Bool
    }

    private struct State {
        var idle: [Open] = []
        var waiting = CircularBuffer<(id: Int, promise: EventLoopPromise<Open>)>()
        var connections = 0
        var nextWaiter = 0
        var isShutDown = false
    }

    private let address: Address
    private let context: ReloadingTLSContext
    private let peer: ExpectedPeer
    private let limits: Limits
    private let group: any EventLoopGroup
    private let sessions = SessionStore()
    private let state = NIOLockedValueBox(State())

    init(
        _ address: Address, context: ReloadingTLSContext, expecting peer: ExpectedPeer, limits: Limits = Limits(),
        group: any EventLoopGroup
    ) {
        self.address = address
        self.context = context
        self.peer = peer
        self.limits = limits
        self.group = group
    }

    /// Places that are taken, and calls that wait for one.
    var load: (connections: Int, waiting: Int) {
        state.withLockedValue { ($0.connections, $0.waiting.count) }
    }

    // MARK: Calls

    /// - Throws: ``ClientFailure``, or `CancellationError`.
    func execute(_ request: ClientRequest, deadline: NIODeadline) async throws -> ClientReply {
        let connection = try await take(until: deadline)
        do {
            return try await run(request, on: connection, deadline: deadline)
        } catch ClientFailure.closedBeforeAnswer where request.isRepeatable && connection.isUsed {
            // The server closed an idle connection in the moment in which it was taken.
            let fresh = try await connect()
            return try await run(request, on: fresh, deadline: deadline)
        }
    }

    private func run(_ request: ClientRequest, on connection: Open, deadline: NIODeadline) async throws -> ClientReply {
        let loop = connection.channel.eventLoop
        let promise = loop.makePromise(of: ClientReply.self)
        if loop.inEventLoop {
            connection.handler.value.send(request, deadline: deadline, promise: promise)
        } else {
            loop.execute { connection.handler.value.send(request, deadline: deadline, promise: promise) }
        }
        let reply = try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            loop.execute { connection.handler.value.cancel() }
        }
        give(Open(channel: connection.channel, handler: connection.handler, idleSince: .now(), isUsed: true))
        return reply
    }

    // MARK: Connections

    private enum Next {
        case use(Open)
        case open
        case wait(Int, EventLoopFuture<Open>, EventLoopPromise<Open>)
        case fail(ClientFailure)
    }

    private func take(until deadline: NIODeadline) async throws -> Open {
        let next = state.withLockedValue { state -> Next in
            if state.isShutDown { return .fail(.shutDown) }
            let oldest = NIODeadline.now() - limits.idle
            while let connection = state.idle.popLast() {
                if connection.channel.isActive, connection.idleSince > oldest { return .use(connection) }
                connection.channel.close(promise: nil)
            }
            if state.connections < limits.connections {
                state.connections += 1
                return .open
            }
            guard state.waiting.count < limits.waiting else { return .fail(.overloaded) }
            let promise = group.any().makePromise(of: Open.self)
            state.nextWaiter += 1
            state.waiting.append((state.nextWaiter, promise))
            return .wait(state.nextWaiter, promise.futureResult, promise)
        }
        switch next {
        case .use(let connection): return connection
        case .fail(let failure): throw failure
        case .open: return try await connectCounted()
        case .wait(let id, let future, let promise):
            let timer = future.eventLoop.scheduleTask(deadline: deadline) {
                if self.forget(waiter: id) { promise.fail(ClientFailure.deadline) }
            }
            defer { timer.cancel() }
            return try await withTaskCancellationHandler {
                try await future.get()
            } onCancel: {
                if forget(waiter: id) { promise.fail(CancellationError()) }
            }
        }
    }

    private func forget(waiter id: Int) -> Bool {
        state.withLockedValue { state in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return false }
            state.waiting.remove(at: index)
            return true
        }
    }

    private func give(_ connection: Open) {
        let waiter = state.withLockedValue { state -> EventLoopPromise<Open>? in
            guard connection.channel.isActive, !state.isShutDown else { return nil }
            if let waiter = state.waiting.popFirst() { return waiter.promise }
            state.idle.append(connection)
            return nil
        }
        if let waiter {
            waiter.succeed(connection)
        } else if state.withLockedValue(\.isShutDown) {
            connection.channel.close(promise: nil)
        }
    }

    /// A connection for which a place was reserved.
    private func connectCounted() async throws -> Open {
        do {
            return try await connect(isCounted: true)
        } catch let failure as NeverConnected {
            ended()
            throw failure.reason
        }
    }

    /// A place became free: a waiting call gets a new connection.
    private func ended() {
        let waiter = state.withLockedValue { state -> EventLoopPromise<Open>? in
            guard let waiter = state.waiting.popFirst(), !state.isShutDown else {
                state.connections -= 1
                return nil
            }
            return waiter.promise
        }
        guard let waiter else { return }
        waiter.completeWithTask { try await self.connectCounted() }
    }

    private func connect(isCounted: Bool = false) async throws -> Open {
        let (context, peer, sessions) = (context.current, peer, sessions)
        let loop = group.any()
        let isOpen = loop.makePromise(of: Void.self)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(limits.connect)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(
                        TLSHandler(context, expecting: peer, sessions: sessions, allocator: channel.allocator))
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(HTTPConnection(isOpen: isOpen))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: address.host, port: address.port).get()
        } catch {
            let failure = ClientFailure.connect("\(error)")
            isOpen.fail(failure)
            if isCounted { throw NeverConnected(reason: failure) }
            throw failure
        }
        if isCounted { channel.closeFuture.whenComplete { _ in self.ended() } }
        do {
            try await isOpen.futureResult.get()
        } catch {
            channel.close(promise: nil)
            throw error
        }
        let handler: NIOLoopBound<HTTPConnection>
        do {
            handler = try await channel.eventLoop.submit {
                NIOLoopBound(
                    try channel.pipeline.syncOperations.handler(type: HTTPConnection.self), eventLoop: channel.eventLoop
                )
            }.get()
        } catch {
            // A server that refuses our certificate says so after the handshake is over for us (RFC 8446, 4.4.2), and a
            // pipeline that has ended is empty.
            throw ClientFailure.connect("closed after the handshake")
        }
        return Open(channel: channel, handler: handler, idleSince: .now(), isUsed: false)
    }

    /// There was no channel whose end could give its place back.
    private struct NeverConnected: Error { let reason: ClientFailure }

    /// Lets running calls end and closes everything idle.
    func shutDown() {
        let (idle, waiting) = state.withLockedValue { state in
            state.isShutDown = true
            defer {
                state.idle = []
                state.waiting = []
            }
            return (state.idle, state.waiting)
        }
        for connection in idle { connection.channel.close(promise: nil) }
        for waiter in waiting { waiter.promise.fail(ClientFailure.shutDown) }
    }
}
