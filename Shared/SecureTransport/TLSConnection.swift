import COpenSSL
import NIOCore
import Synchronization

/// Whom a client must find at the other end.
public enum ExpectedPeer: Sendable, Equatable {
    /// A DNS name or IP address in the certificate, also sent as SNI (RFC 6066, 3).
    case host(String)
    /// An exact uniformResourceIdentifier in the certificate, wherever the socket leads.
    case uri(String)
}

/// One `SSL` with its two buffers. Used on its channel's event loop only.
final class TLSConnection {
    enum Progress {
        case finished
        case wantsInput
        case failed(HandshakeFailure)
    }

    enum ReadOutcome {
        case wantsInput
        /// The peer sent close_notify.
        case ended
        case failed(TLSError)
    }

    /// Connections whose `SSL` is not freed yet, for tests that look for leaks.
    static let alive = Atomic<Int>(0)

    let io: RecordIO
    let expectedURI: String?
    let sessions: SessionStore?
    private let ssl: OpaquePointer
    private let context: TLSContext

    init(_ context: TLSContext, expecting peer: ExpectedPeer?, sessions: SessionStore?, allocator: ByteBufferAllocator)
        throws
    {
        OpenSSLErrors.clear()
        io = RecordIO(allocator: allocator)
        self.context = context
        self.sessions = sessions
        if case .uri(let uri) = peer { expectedURI = uri } else { expectedURI = nil }
        guard let ssl = SSL_new(context.raw) else { throw TLSError.configuration("connection") }
        self.ssl = ssl
        Self.alive.add(1, ordering: .relaxed)
        guard let bio = io.makeBIO() else { throw TLSError.configuration("BIO") }
        SSL_set_bio(ssl, bio, bio)
        SSL_set_ex_data(ssl, Self.index, Unmanaged.passUnretained(self).toOpaque())
        guard context.role == .client else {
            SSL_set_accept_state(ssl)
            return
        }
        SSL_set_connect_state(ssl)
        if case .host(let host) = peer { try expect(host) }
        if let session = sessions?.take() { SSL_set_session(ssl, session.raw) }
    }

    deinit {
        // Without a shutdown OpenSSL holds the session to be broken and never resumes it.
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        SSL_free(ssl)
        Self.alive.subtract(1, ordering: .relaxed)
    }

    private static let index = baohan_SSL_get_ex_new_index()

    static func of(_ ssl: OpaquePointer) -> TLSConnection? {
        SSL_get_ex_data(ssl, index).map { Unmanaged<TLSConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    private func expect(_ host: String) throws {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let parameters = SSL_get0_param(ssl)
        let accepted =
            isAddress
            ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1
            : X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1
                && baohan_SSL_set_tlsext_host_name(ssl, host) == 1
        guard accepted else { throw TLSError.configuration("host name \(host)") }
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    }

    func handshake() -> Progress {
        OpenSSLErrors.clear()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            keepResumedSession()
            return .finished
        }
        let code = SSL_get_error(ssl, result)
        return code == SSL_ERROR_WANT_READ ? .wantsInput : .failed(handshakeFailure(code))
    }

    /// A session of TLS 1.2 may be used again, and no new one comes with its resumption.
    private func keepResumedSession() {
        guard let sessions, SSL_version(ssl) == TLS1_2_VERSION, SSL_session_reused(ssl) == 1,
            let session = SSL_get1_session(ssl)
        else { return }
        sessions.keep(session)
    }

    /// Decrypts all input that is there, appending to `plaintext`.
    func read(into plaintext: inout ByteBuffer) -> ReadOutcome {
        while true {
            OpenSSLErrors.clear()
            var count = 0
            plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: 1_024) { space in
                SSL_read_ex(ssl, space.baseAddress, space.count, &count) == 1 ? count : 0
            }
            if count > 0 { continue }
            switch SSL_get_error(ssl, 0) {
            case SSL_ERROR_WANT_READ: return .wantsInput
            case SSL_ERROR_ZERO_RETURN: return .ended
            default:
                if io.inputEnded { return .failed(.truncated) }
                return .failed(.protocolViolation(OpenSSLErrors.take()?.text ?? "unreadable record"))
            }
        }
    }

    /// Encrypts all of `bytes` into ``RecordIO/output``; false when OpenSSL must read first (a key update in flight).
    func write(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard bytes.count > 0 else { return true }
        OpenSSLErrors.clear()
        var written = 0
        if SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written) == 1 { return true }
        if SSL_get_error(ssl, 0) == SSL_ERROR_WANT_READ { return false }
        throw TLSError.protocolViolation(OpenSSLErrors.take()?.text ?? "write failed")
    }

    /// Writes close_notify; true when the peer's has come as well.
    func shutdown() -> Bool {
        OpenSSLErrors.clear()
        return SSL_shutdown(ssl) == 1
    }

    func summary() -> TLSHandshake {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        let chosen = name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self) }
        return TLSHandshake(
            version: SSL_version(ssl) == TLS1_3_VERSION ? .tls13 : .tls12,
            applicationProtocol: chosen,
            serverName: SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) },
            isResumed: SSL_session_reused(ssl) == 1,
            peer: PeerCertificates(ssl))
    }

    private func handshakeFailure(_ code: Int32) -> HandshakeFailure {
        let verification = SSL_get_verify_result(ssl)
        let error = OpenSSLErrors.take()
        let words = error?.text ?? "handshake failed"
        if verification != X509_V_OK {
            let detail = String(cString: X509_verify_cert_error_string(verification))
            switch Int32(verification) {
            case X509_V_ERR_CERT_HAS_EXPIRED: return HandshakeFailure(.expired, detail)
            case X509_V_ERR_CERT_NOT_YET_VALID: return HandshakeFailure(.notYetValid, detail)
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
                return HandshakeFailure(.wrongHost, detail)
            case X509_V_ERR_APPLICATION_VERIFICATION:
                return HandshakeFailure(.wrongIdentity, "expected \(expectedURI ?? "another identity")")
            default: return HandshakeFailure(.untrusted, detail)
            }
        }
        guard let error else {
            return HandshakeFailure(.closed, io.inputEnded ? "the peer closed in the middle" : words)
        }
        let reason = Int32(truncatingIfNeeded: error.code & 0x7F_FFFF)
        switch reason {
        case SSL_R_HTTP_REQUEST, SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE,
            SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_HTTPS_PROXY_REQUEST:
            return HandshakeFailure(.notTLS, words)
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE,
            SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return HandshakeFailure(.version, words)
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return HandshakeFailure(.noPeerCertificate, words)
        case SSL_R_UNEXPECTED_EOF_WHILE_READING: return HandshakeFailure(.closed, words)
        // Alerts that the peer sent stand at 1000 + their number (RFC 8446, 6.2).
        case 1000...1255: return HandshakeFailure(.refusedByPeer, words)
        default: return HandshakeFailure(.other, words)
        }
    }
}

/// Fired as a user event when a handshake has succeeded.
public struct TLSHandshake: Sendable {
    public let version: TLSConfiguration.Version
    public let applicationProtocol: String?
    /// The name that the client asked for (SNI); servers only.
    public let serverName: String?
    public let isResumed: Bool
    /// nil when the peer sent no certificate.
    public let peer: PeerCertificates?
}

/// How many TLS connections of this process are not freed yet; for tests that look for leaks.
public func liveTLSConnections() -> Int {
    TLSConnection.alive.load(ordering: .relaxed)
}
