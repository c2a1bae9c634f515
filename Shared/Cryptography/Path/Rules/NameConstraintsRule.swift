/// Names stay where the authorities above allow them to be (RFC 5280, 4.2.1.10 and 6.1.4 b, g).
struct NameConstraintsRule: PathRule {
    /// Comparisons of one path; more are an attack on the processor, not a certificate.
    private static let maximumComparisons = 250_000

    func check(_ path: CertificatePath) throws(PathRefusal) {
        var comparisons = 0
        for (depth, certificate) in path.certificates.enumerated() {
            guard let constraints = certificate.nameConstraints else { continue }
            let isAuthority = certificate.basicConstraints?.isAuthority == true
            guard depth > 0 || isAuthority else {
                throw path.refusal(.nameConstraints, depth, "it constrains names and is no authority")
            }
            let isCritical = certificate.fields.extension(ExtensionID.nameConstraints)?.isCritical == true
            // The Baseline Requirements leave it open (7.1.2.5.2).
            guard isCritical || path.check.profile == .webpki else {
                throw path.refusal(.nameConstraints, depth, "its name constraints are not critical")
            }
            for below in 0..<depth {
                let constrained = path.certificates[below]
                // Self-issued intermediates are left out, so that a key can be changed over.
                guard below == 0 || !constrained.isSelfIssued else { continue }
                let names = Self.names(of: constrained)
                comparisons += names.count * (constraints.permitted.count + constraints.excluded.count)
                guard comparisons <= Self.maximumComparisons else {
                    throw path.refusal(.tooComplex, depth, "there are too many names and constraints")
                }
                try check(names, against: constraints, path, below)
            }
        }
    }

    private func check(
        _ names: [GeneralName], against constraints: NameConstraints, _ path: CertificatePath, _ depth: Int
    ) throws(PathRefusal) {
        for name in names {
            if constraints.excluded.contains(where: { $0.kind == name.kind && Self.mayBe(name, within: $0) }) {
                throw path.refusal(.nameConstraints, depth, "one of its names is excluded by an authority above it")
            }
            let permitted = constraints.permitted.filter { $0.kind == name.kind }
            guard permitted.isEmpty || permitted.contains(where: { Self.isSurely(name, within: $0) }) else {
                throw path.refusal(
                    .nameConstraints, depth, "one of its names is not permitted by an authority above it")
            }
        }
    }

    /// The subject counts as a directory name, and mail addresses in it as mailboxes.
    private static func names(of certificate: PathCertificate) -> [GeneralName] {
        let subject = certificate.fields.subject
        guard !subject.isEmpty else { return certificate.alternativeNames }
        return [.directory(subject)] + subject.values("1.2.840.113549.1.9.1").map { .email($0) }
            + certificate.alternativeNames
    }

    private static func isSurely(_ name: GeneralName, within base: GeneralName) -> Bool {
        switch (name, base) {
        case (.dns(let name), .dns(let base)):
            HostName.isWithin(name.hasPrefix("*.") ? String(name.dropFirst(2)) : name, base)
        // What cannot be judged is not permitted.
        case (.email(let text), _) where Mailbox(text) == nil: false
        case (.uri(let uri), _) where HostName.ofURI(uri) == nil: false
        case (.other, _): false
        default: mayBe(name, within: base)
        }
    }

    /// What cannot be judged might be.
    private static func mayBe(_ name: GeneralName, within base: GeneralName) -> Bool {
        switch (name, base) {
        case (.dns(let name), .dns(let base)):
            guard name.hasPrefix("*.") else { return HostName.isWithin(name, base) }
            // One label in the place of the star may lead into an excluded subtree.
            let rest = String(name.dropFirst(2))
            let parent = base.split(separator: ".", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
            return HostName.isWithin(rest, base) || parent.lowercased() == rest.lowercased()
        case (.email(let text), .email(let base)):
            guard let mailbox = Mailbox(text) else { return true }
            if let exact = Mailbox(base) { return mailbox == exact }
            return isHost(mailbox.host, within: base)
        case (.uri(let uri), .uri(let base)):
            guard let host = HostName.ofURI(uri) else { return true }
            return isHost(host, within: base)
        case (.directory(let name), .directory(let base)): return name.isWithin(base)
        case (.ip(let address), .ip(let range)):
            guard range.count == address.count * 2 else { return false }
            return address.indices.allSatisfy {
                address[$0] & range[$0 + address.count] == range[$0] & range[$0 + address.count]
            }
        // A constraint on a kind of name that nobody here understands refuses every name of that kind.
        case (.other, .other): return true
        default: return false
        }
    }

    /// Of mailboxes and URIs: a host alone means that host, a leading period what lies below.
    private static func isHost(_ host: String, within base: String) -> Bool {
        let (host, base) = (host.lowercased(), base.lowercased())
        return base.hasPrefix(".") ? host.hasSuffix(base) && host.count > base.count : host == base
    }
}
