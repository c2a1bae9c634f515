import COpenSSL

/// An `SSL_CTX`: identity, trust and options shared by all connections of one server or client.
///
/// `@unchecked Sendable`: the context is never changed after `init`, and OpenSSL counts its references atomically.
public final class TLSContext: @unchecked Sendable {
    public enum Role: Sendable { case client, server }

    /// More parties than call one replica.
    private static let keptSessions = 2_000

    public let role: Role
    let raw: OpaquePointer
    /// The protocols in wire form (length, bytes), alive as long as the context because OpenSSL's callback reads them.
    private let protocols: UnsafeMutableBufferPointer<UInt8>

    /// - Throws: ``TLSError/configuration(_:)`` naming the file and OpenSSL's reason.
    public init(_ role: Role, _ configuration: TLSConfiguration) throws {
        self.role = role
        OpenSSLErrors.clear()
        guard let raw = SSL_CTX_new(role == .client ? TLS_client_method() : TLS_server_method()) else {
            throw Self.failure("context")
        }
        self.raw = raw
        let wire = configuration.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        protocols = .allocate(capacity: wire.count)
        _ = protocols.initialize(from: wire)

        try setVersions(configuration)
        // Released buffers save 11 KB on an idle connection; a moving write buffer lets a retry come from a copy.
        // Without the automatic chain only what the identity's file holds is sent, and not our trust roots as well.
        let modes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN
        _ = baohan_SSL_CTX_set_mode(raw, Int(modes))
        _ = SSL_CTX_set_options(raw, baohan_SSL_OP_NO_COMPRESSION() | baohan_SSL_OP_NO_RENEGOTIATION())
        if let identity = configuration.identity { try use(identity) }
        try trust(configuration)
        setProtocols()
        setSessions(configuration)
    }

    deinit {
        SSL_CTX_free(raw)
        protocols.deallocate()
    }

    private static func failure(_ what: String) -> TLSError {
        .configuration("\(what): \(OpenSSLErrors.take()?.text ?? "OpenSSL gave no reason")")
    }

    private func setVersions(_ configuration: TLSConfiguration) throws {
        guard
            baohan_SSL_CTX_set_min_proto_version(raw, configuration.minimumVersion.rawValue) == 1,
            baohan_SSL_CTX_set_max_proto_version(raw, configuration.maximumVersion.rawValue) == 1,
            SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
        else { throw Self.failure("protocol versions") }
    }

    private func use(_ identity: TLSConfiguration.Identity) throws {
        guard SSL_CTX_use_certificate_chain_file(raw, identity.certificateChainFile) == 1 else {
            throw Self.failure("certificate chain \(identity.certificateChainFile)")
        }
        if let address = Self.tokenAddress(in: identity.privateKeyFile) {
            let key = baohan_load_pkcs11_key(address)
            defer { EVP_PKEY_free(key) }
            guard key != nil, SSL_CTX_use_PrivateKey(raw, key) == 1 else {
                throw Self.failure("key in a PKCS #11 token")
            }
        } else {
            guard SSL_CTX_use_PrivateKey_file(raw, identity.privateKeyFile, SSL_FILETYPE_PEM) == 1 else {
                throw Self.failure("private key \(identity.privateKeyFile)")
            }
        }
        guard SSL_CTX_check_private_key(raw) == 1 else {
            throw Self.failure("private key \(identity.privateKeyFile) does not belong to the certificate")
        }
    }

    /// The PKCS #11 address (RFC 7512) in a key file that holds one line with it instead of PEM.
    private static func tokenAddress(in file: String) -> String? {
        guard let bio = BIO_new_file(file, "r") else { return nil }
        defer { BIO_free(bio) }
        var line = [CChar](repeating: 0, count: 1_024)
        guard BIO_gets(bio, &line, Int32(line.count)) > 0 else { return nil }
        let text = String(
            decoding: line.prefix { $0 != 0 && $0 != 0x0A && $0 != 0x0D }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.hasPrefix("pkcs11:") ? text : nil
    }

    private func trust(_ configuration: TLSConfiguration) throws {
        if let file = configuration.trustRootsFile {
            guard SSL_CTX_load_verify_file(raw, file) == 1 else { throw Self.failure("trust roots \(file)") }
            if role == .server, let names = SSL_load_client_CA_file(file) {
                SSL_CTX_set_client_CA_list(raw, names)
            }
        }
        switch (role, configuration.clientCertificates) {
        case (.client, _): SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, verifyPeer)
        case (.server, .none): SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nil)
        case (.server, .optional): SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        case (.server, .required):
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        case (.server, .requiredUnverified):
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { _, _ in 1 }
        }
    }

    private func setProtocols() {
        guard protocols.count > 0 else { return }
        if role == .client {
            SSL_CTX_set_alpn_protos(raw, protocols.baseAddress, UInt32(protocols.count))
            return
        }
        SSL_CTX_set_alpn_select_cb(
            raw,
            { _, chosen, chosenLength, offered, offeredLength, argument in
                guard let argument else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                let context = Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
                var selected: UnsafeMutablePointer<UInt8>?
                let outcome = SSL_select_next_proto(
                    &selected, chosenLength, context.protocols.baseAddress, UInt32(context.protocols.count), offered,
                    offeredLength)
                guard outcome == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                chosen?.pointee = UnsafePointer(selected)
                return SSL_TLSEXT_ERR_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func setSessions(_ configuration: TLSConfiguration) {
        guard configuration.sessionTickets else {
            _ = baohan_SSL_CTX_set_session_cache_mode(raw, Int(SSL_SESS_CACHE_OFF))
            _ = SSL_CTX_set_num_tickets(raw, 0)
            _ = SSL_CTX_set_options(raw, baohan_SSL_OP_NO_TICKET())
            return
        }
        switch role {
        case .server:
            // Required for resumption with client certificates; one context is one security domain.
            let identifier = Array("baohan".utf8)
            SSL_CTX_set_session_id_context(raw, identifier, UInt32(identifier.count))
            _ = SSL_CTX_set_num_tickets(raw, 1)
            guard configuration.clientCertificates != .none else {
                _ = baohan_SSL_CTX_set_session_cache_mode(raw, Int(SSL_SESS_CACHE_OFF))
                return
            }
            // A ticket would hold the client's certificate, which OpenSSL would decode at each resumption; kept here, it is
            // decoded once. A session takes some kilobytes.
            _ = SSL_CTX_set_options(raw, baohan_SSL_OP_NO_TICKET())
            _ = baohan_SSL_CTX_set_session_cache_mode(raw, Int(SSL_SESS_CACHE_SERVER))
            _ = SSL_CTX_ctrl(raw, SSL_CTRL_SET_SESS_CACHE_SIZE, Self.keptSessions, nil)
        case .client:
            _ = baohan_SSL_CTX_set_session_cache_mode(
                raw, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE))
            SSL_CTX_sess_set_new_cb(raw) { ssl, session in
                guard let ssl, let session, let store = TLSConnection.of(ssl)?.sessions else { return 0 }
                store.keep(session)
                return 1
            }
        }
    }
}

/// Checks the expected identity (URI SAN) while the handshake can still be refused with an alert.
private let verifyPeer: @convention(c) (Int32, OpaquePointer?) -> Int32 = { accepted, store in
    guard accepted == 1, let store, X509_STORE_CTX_get_error_depth(store) == 0,
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let expected = TLSConnection.of(OpaquePointer(ssl))?.expectedURI
    else { return accepted }
    guard let leaf = X509_STORE_CTX_get_current_cert(store), PeerCertificates.uris(of: leaf).contains(expected) else {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
        return 0
    }
    return 1
}
