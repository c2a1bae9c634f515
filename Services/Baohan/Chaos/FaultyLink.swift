import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Synchronization

/// A link between two processes on which things go wrong on demand: a TCP relay that sees only ciphertext.
final class FaultyLink: Sendable {
    enum Mode: Sendable, Equatable {
        case sound
        /// Nobody gets through, and who was through is cut off.
        case cut
        /// What is asked arrives, what is answered does not.
        case answersLost
        /// Everything takes this many milliseconds longer.
        case slow(Int64)
    }

    private struct State {
        var mode = Mode.sound
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    private let state = NIOLockedValueBox(State())
    private let listener = NIOLockedValueBox<(any Channel)?>(nil)

    var mode: Mode { state.withLockedValue(\.mode) }

    /// - Parameters:
    ///   - port: where it listens.
    ///   - target: the port of the process behind it.
    init(_ port: Int, to target: Int) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(ChannelOptions.backlog, value: 1_024)
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelInitializer { [self] near in
                guard mode != .cut else { return near.close() }
                remember(near)
                return ClientBootstrap(group: near.eventLoop)
                    .channelOption(ChannelOptions.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { far in
                        try near.pipeline.syncOperations.addHandler(Passage(self, to: far, isAnswer: false))
                        try far.pipeline.syncOperations.addHandler(Passage(self, to: near, isAnswer: true))
                        far.setOption(ChannelOptions.autoRead, value: true).whenComplete { _ in }
                        near.setOption(ChannelOptions.autoRead, value: true).whenComplete { _ in }
                    }
                    .flatMapError { _ in near.close() }
            }
            .bind(host: "127.0.0.1", port: port).get()
        listener.withLockedValue { $0 = channel }
    }

    func set(_ mode: Mode) {
        let cut = state.withLockedValue { state -> [any Channel] in
            state.mode = mode
            return mode == .cut ? Array(state.channels.values) : []
        }
        for channel in cut { channel.close(promise: nil) }
    }

    func close() {
        set(.cut)
        listener.withLockedValue { $0 }?.close(promise: nil)
    }

    private func remember(_ channel: any Channel) {
        state.withLockedValue { $0.channels[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { [self] _ in
            _ = state.withLockedValue { $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
        }
    }
}

/// One direction of a connection.
private final class Passage: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let link: FaultyLink
    private let other: any Channel
    private let isAnswer: Bool

    init(_ link: FaultyLink, to other: any Channel, isAnswer: Bool) {
        self.link = link
        self.other = other
        self.isAnswer = isAnswer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch link.mode {
        case .sound: other.writeAndFlush(bytes, promise: nil)
        case .cut: context.close(promise: nil)
        case .answersLost:
            // A handshake passes, so that the question behind it gets through.
            if isAnswer, bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == 23, bytes.readableBytes < 1_200 {
                context.close(promise: nil)
            } else {
                other.writeAndFlush(bytes, promise: nil)
            }
        case .slow(let milliseconds):
            let other = other
            context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) { other.writeAndFlush(bytes, promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
