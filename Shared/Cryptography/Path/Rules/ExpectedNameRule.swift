/// The leaf stands for the name that was asked for; its common name is never looked at (RFC 9525, 6).
struct ExpectedNameRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        guard let expected = path.check.name else { return }
        let names = path.leaf.alternativeNames
        let isMatch: Bool
        if let address = IPAddress.bytes(expected) {
            isMatch = names.contains { $0 == .ip(address) }
        } else if let mailbox = Mailbox(expected) {
            isMatch = names.contains { if case .email(let text) = $0 { Mailbox(text) == mailbox } else { false } }
        } else {
            isMatch = names.contains {
                if case .dns(let pattern) = $0 { HostName.matches(pattern, expected) } else { false }
            }
        }
        guard isMatch else { throw path.refusal(.nameMismatch, 0, "it does not stand for \(expected)") }
    }
}
