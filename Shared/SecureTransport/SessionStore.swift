import COpenSSL
import NIOConcurrencyHelpers

/// Sessions that a client may resume with one destination. TLS 1.3 tickets are used once (RFC 8446, C.4), so a session
/// is handed out and forgotten.
public final class SessionStore: Sendable {
    /// More would only be kept to expire: a pool opens few connections at a time.
    private static let capacity = 8

    /// An owned `SSL_SESSION`.
    ///
    /// `@unchecked Sendable`: OpenSSL counts its references atomically and nobody changes a session after it was made.
    final class Session: @unchecked Sendable {
        let raw: OpaquePointer
        init(adopting raw: OpaquePointer) { self.raw = raw }
        deinit { SSL_SESSION_free(raw) }
    }

    private let sessions = NIOLockedValueBox<[Session]>([])

    public init() {}

    public var count: Int { sessions.withLockedValue(\.count) }

    func keep(_ raw: OpaquePointer) {
        sessions.withLockedValue { sessions in
            if sessions.count == Self.capacity { sessions.removeFirst() }
            sessions.append(Session(adopting: raw))
        }
    }

    func take() -> Session? {
        sessions.withLockedValue { $0.popLast() }
    }
}
