/// RSA of 2048 bits or more with a sound exponent, P-256, P-384, SM2; Ed25519 and P-521 where the profile has them. Curves
/// by name only (RFC 5480, 2.1.1).
struct PublicKeyRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            switch certificate.certificate.publicKeyKind {
            case .rsa(let bits):
                guard (2_048...16_384).contains(bits) else {
                    throw path.refusal(.weakKey, depth, "its RSA key has \(bits) bits; at least 2048 are due")
                }
                guard path.check.profile != .webpki || bits.isMultiple(of: 8) else {
                    throw path.refusal(.weakKey, depth, "its RSA key has \(bits) bits, which is no multiple of 8")
                }
                guard certificate.certificate.hasSoundRSAExponent, hasPositiveModulus(certificate) else {
                    throw path.refusal(
                        .weakKey, depth, "its RSA exponent is even or too small, or its modulus negative")
                }
            case .ellipticCurve(let name):
                guard hasNamedCurve(certificate) else {
                    throw path.refusal(.weakKey, depth, "its curve is spelt out instead of named")
                }
                guard hasPoint(certificate) else {
                    throw path.refusal(.weakKey, depth, "its public key is no point of its curve")
                }
                guard ["prime256v1", "secp384r1", "secp521r1", "SM2"].contains(name) else {
                    throw path.refusal(.weakKey, depth, "its curve \(name) is not accepted")
                }
                guard name != "SM2" || path.check.profile != .webpki else {
                    throw path.refusal(.weakKey, depth, "its curve is not one of the web's")
                }
            case .ed25519:
                guard path.check.profile != .webpki else {
                    throw path.refusal(.weakKey, depth, "its kind of key is not one of the web's")
                }
            case .other: throw path.refusal(.weakKey, depth, "its kind of key is not accepted")
            }
        }
    }

    private func hasNamedCurve(_ certificate: PathCertificate) -> Bool {
        guard var info = try? DERReader.only(DERTag.sequence, in: certificate.fields.publicKeyInfo).reader(),
            var algorithm = try? info.next(DERTag.sequence).reader(),
            (try? algorithm.next(DERTag.objectIdentifier)) != nil,
            (try? algorithm.next(DERTag.objectIdentifier)) != nil
        else { return false }
        return algorithm.isAtEnd
    }

    /// The bits of the public key, as they were written.
    private func keyBits(_ certificate: PathCertificate) throws(DERError) -> ArraySlice<UInt8> {
        var info = try DERReader.only(DERTag.sequence, in: certificate.fields.publicKeyInfo).reader()
        _ = try info.next(DERTag.sequence)
        return try info.next(DERTag.bitString).octetAlignedBits()
    }

    /// OpenSSL overlooks the sign.
    private func hasPositiveModulus(_ certificate: PathCertificate) -> Bool {
        guard let bits = try? keyBits(certificate), var key = try? DERReader.only(DERTag.sequence, in: bits).reader(),
            let modulus = try? key.next(DERTag.integer)
        else { return false }
        return (try? modulus.requireShortestInteger()) != nil && (modulus.content.first ?? 0x80) & 0x80 == 0
    }

    /// A point in full or compressed (RFC 5480, 2.2); the point at infinity, which OpenSSL loads, is neither.
    private func hasPoint(_ certificate: PathCertificate) -> Bool {
        guard let bits = try? keyBits(certificate), let form = bits.first else { return false }
        return bits.count > 1 && (2...4).contains(form)
    }
}
