/// What can go wrong on a TLS connection.
public enum TLSError: Error, Equatable, Sendable {
    /// The context cannot be built: a file is missing or malformed, or key and certificate do not belong together.
    case configuration(String)
    /// The handshake failed; nothing of the application was exchanged.
    case handshake(HandshakeFailure)
    /// The peer's bytes after the handshake were not valid records.
    case protocolViolation(String)
    /// The peer closed its socket without close_notify (RFC 8446, 6.1): what arrived may be cut short.
    case truncated
    /// A write after this side closed.
    case closed
}

/// Why a handshake failed, with OpenSSL's own words in `detail`.
public struct HandshakeFailure: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The first bytes were not TLS.
        case notTLS
        /// The peers share no protocol version.
        case version
        /// No certificate came although one is required.
        case noPeerCertificate
        /// The chain does not lead to a trust root, or breaks a rule of RFC 5280 on the way.
        case untrusted
        case expired
        case notYetValid
        /// The certificate does not name the host that was called.
        case wrongHost
        /// The certificate does not carry the expected identity (URI SAN).
        case wrongIdentity
        /// The peer refused with an alert.
        case refusedByPeer
        /// The peer went away in the middle.
        case closed
        case timedOut
        case other
    }

    public let reason: Reason
    public let detail: String

    public init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
