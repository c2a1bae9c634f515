/// The purpose stands in the leaf, and in every intermediate that names purposes at all (RFC 5280, 4.2.1.12).
struct ExtendedKeyUsageRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            guard let usages = certificate.extendedKeyUsage else { continue }
            if path.check.profile == .webpki { try checkWeb(path, depth, usages) }
            guard !path.check.purpose.isMet(by: usages) else { continue }
            throw path.refusal(.extendedKeyUsage, depth, "it was not issued for \(path.check.purpose.sentence)")
        }
        if path.check.profile == .webpki, path.leaf.extendedKeyUsage == nil {
            throw path.refusal(.extendedKeyUsage, 0, "it does not say what it was issued for")
        }
    }

    /// Baseline Requirements, 7.1.2.1.2, 7.1.2.7.6 and 7.1.2.7.10.
    private func checkWeb(_ path: CertificatePath, _ depth: Int, _ usages: [String]) throws(PathRefusal) {
        let last = path.certificates.count - 1
        if depth == last, depth > 0, path.certificates[depth].isSelfIssued {
            throw path.refusal(.extendedKeyUsage, depth, "a root must not name purposes")
        }
        guard depth == 0 else { return }
        if usages.contains(ExtendedKeyUsage.any) {
            throw path.refusal(.extendedKeyUsage, depth, "it was issued for any purpose")
        }
        if path.certificates[depth].fields.extension(ExtensionID.extendedKeyUsage)?.isCritical == true {
            throw path.refusal(.extensionCriticality, depth, "its purposes must not be critical")
        }
    }
}

extension PathCheck.Purpose {
    func isMet(by usages: [String]) -> Bool {
        switch self {
        case .client: usages.contains(ExtendedKeyUsage.client) || usages.contains(ExtendedKeyUsage.any)
        case .server: usages.contains(ExtendedKeyUsage.server) || usages.contains(ExtendedKeyUsage.any)
        case .sign:
            usages.contains(ExtendedKeyUsage.client) || usages.contains(ExtendedKeyUsage.emailProtection)
                || usages.contains(ExtendedKeyUsage.any)
        }
    }

    var sentence: String {
        switch self {
        case .client: "logging in"
        case .server: "a server"
        case .sign: "signing"
        }
    }
}
