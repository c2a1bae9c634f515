import COpenSSL

/// The certificates that the peer proved to own or sent along.
public struct PeerCertificates: Sendable {
    /// DER, leaf first.
    public let chain: [[UInt8]]
    /// uniformResourceIdentifier names of the leaf (RFC 5280, 4.2.1.6), for example `spiffe://baohan/order`.
    public let uris: [String]

    /// nil when the peer sent none.
    init?(_ ssl: OpaquePointer) {
        guard let leaf = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(leaf) }
        var chain = [Self.der(leaf)]
        // A client's view of the chain starts with the leaf, a server's does not.
        if let stack = SSL_get_peer_cert_chain(ssl) {
            let first: Int32 = SSL_is_server(ssl) == 1 ? 0 : 1
            for index in stride(from: first, to: baohan_sk_X509_num(stack), by: 1) {
                if let certificate = baohan_sk_X509_value(stack, index) { chain.append(Self.der(certificate)) }
            }
        }
        self.chain = chain
        uris = Self.uris(of: leaf)
    }

    private static func der(_ certificate: OpaquePointer) -> [UInt8] {
        let length = Int(i2d_X509(certificate, nil))
        guard length > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            var cursor = buffer.baseAddress
            count = max(0, Int(i2d_X509(certificate, &cursor)))
        }
    }

    static func uris(of certificate: OpaquePointer) -> [String] {
        guard let raw = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(raw)
        defer { GENERAL_NAMES_free(names) }
        return (0..<baohan_sk_GENERAL_NAME_num(names)).compactMap { index in
            guard let name = baohan_sk_GENERAL_NAME_value(names, index), let uri = baohan_GENERAL_NAME_uri(name),
                let bytes = ASN1_STRING_get0_data(uri)
            else { return nil }
            let text = UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(uri)))
            return String(validating: text, as: UTF8.self)
        }
    }
}
