import Contracts
import Cryptography

/// The certificates of whoever signed `text`, leaf first; the path to a trusted authority is still to be judged.
///
/// - Throws: the ``Problem`` that says whether the certificate, the algorithm or the signature is to blame.
func signers(of text: [UInt8], _ answer: ChallengeAnswer) throws(Problem) -> [Certificate] {
    guard let signature = Base64.standard.decode(answer.signature) else {
        throw Problem(.signatureInvalid, "the signature is not Base64")
    }
    switch answer.form ?? .raw {
    case .raw:
        guard let pem = answer.certificates, let chain = try? Certificate.chain(pem: Array(pem.utf8)),
            let key = try? chain[0].publicKey
        else { throw Problem(.certificateMalformed) }
        // Said before the signature is looked at: a right one would not help.
        guard !key.isTooShort else { throw Problem(.certificateWeak, "an RSA key has at least 2048 bits") }
        let algorithm = answer.algorithm.map(SignatureAlgorithm.init) ?? key.usualAlgorithm
        guard key.verifies(signature, of: text, by: algorithm) else { throw Problem(.signatureInvalid) }
        return chain
    case .cms:
        guard answer.certificates == nil, answer.algorithm == nil else {
            throw Problem(.invalidField, "a CMS message brings its certificates and algorithm itself")
        }
        do throws(SignedMessage.Failure) {
            let message = try SignedMessage(der: signature)
            if (try? message.certificates.first?.publicKey)?.isTooShort == true {
                throw .weak("an RSA key under 2048 bits")
            }
            try message.verify(text)
            return message.certificates
        } catch {
            switch error {
            case .malformed(let detail): throw Problem(.signatureInvalid, "the CMS message is malformed: \(detail)")
            case .weak(let name): throw Problem(.signatureWeak, "it was made with \(name)")
            case .otherContent: throw Problem(.signatureInvalid, "it was made over another text")
            case .badSignature: throw Problem(.signatureInvalid)
            }
        }
    }
}

/// SHA-256 of the certificate that an answer shows; nil when it shows none that can be read.
func shownCertificate(_ answer: ChallengeAnswer) -> String? {
    switch answer.form ?? .raw {
    case .raw: answer.certificates.flatMap { PEM.blocks(Array($0.utf8), "CERTIFICATE").first }.map { sha256($0).hex }
    case .cms:
        Base64.standard.decode(answer.signature).flatMap { try? SignedMessage(der: $0) }
            .flatMap { try? $0.certificates[0].fingerprint() }
    }
}

extension SignatureAlgorithm {
    fileprivate init(_ algorithm: ChallengeAnswer.Algorithm) {
        switch algorithm {
        case .rsaSHA256: self = .rsa(.sha256)
        case .rsaPSSSHA256: self = .rsaPSS(.sha256)
        case .ecdsaSHA256: self = .ecdsa(.sha256)
        case .ecdsaSHA384: self = .ecdsa(.sha384)
        case .sm2SM3: self = .sm2
        case .ed25519: self = .ed25519
        }
    }
}
