import NIOCore

/// Every bound of a listener, so that none is a framework's guess.
public struct ServerLimits: Sendable {
    /// A request of ours is at most a few kilobytes; uploads come with their own route later.
    public var bodyBytes = 1_024 * 1_024
    public var headerFieldBytes = 8 * 1_024
    public var headerListBytes = 16 * 1_024
    public var headerFields = 64
    /// Requests sent ahead on one connection; more close it.
    public var pipelinedRequests = 16
    /// A connection without a request.
    public var idle = TimeAmount.seconds(75)
    /// From a request's first byte to its last: shuts out clients that dribble.
    public var receive = TimeAmount.seconds(15)
    /// From a request's last byte to its answer.
    public var deadline = TimeAmount.seconds(30)
    /// How often each connection is looked at; the times above are kept to this.
    public var watch = TimeAmount.seconds(5)
    public var handshake = TimeAmount.seconds(10)
    public var connections = 10_000
    /// A portal or a service opens at most 64; an office behind one address some dozens.
    public var connectionsPerAddress = 1_024

    public init() {}
}
