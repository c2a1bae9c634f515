import COpenSSL

/// Detached CMS signatures (RFC 5652) over documents, as `openssl cms -verify` reads them.
public struct DocumentSigner: Sendable {
    private let certificate: Certificate
    private let intermediates: [Certificate]
    private let key: PrivateKey

    /// - Parameter chain: leaf first; the leaf belongs to `key`.
    public init(chain: [Certificate], key: PrivateKey) throws {
        guard let leaf = chain.first, X509_check_private_key(leaf.raw, key.raw) == 1 else {
            throw CryptographyError("the signing key does not belong to its certificate")
        }
        certificate = leaf
        intermediates = Array(chain.dropFirst())
        self.key = key
    }

    public var serialNumber: String { certificate.serialNumber }

    /// DER of a SignedData over `document` that holds the chain and not the document.
    public func sign(_ document: [UInt8]) throws -> [UInt8] {
        guard let others = baohan_sk_X509_new() else { throw CryptographyError("CMS") }
        defer { baohan_sk_X509_free(others) }
        for certificate in intermediates { _ = baohan_sk_X509_push(others, certificate.raw) }
        let signed = reading(document) {
            CMS_sign(certificate.raw, key.raw, others, $0, UInt32(CMS_DETACHED | CMS_BINARY))
        }
        guard let signed else { throw CryptographyError("CMS signature") }
        defer { CMS_ContentInfo_free(signed) }
        return try collect("CMS to DER") { i2d_CMS_bio($0, signed) }
    }
}
