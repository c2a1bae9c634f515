/// In a server certificate of the web, a common name repeats one of the alternative names to the letter (Baseline
/// Requirements, 7.1.4.3). It is held against names of its own kind: a host beside nothing but wildcards or addresses
/// misleads nobody, and stands in many live certificates.
struct CommonNameRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        guard path.check.profile == .webpki else { return }
        for name in path.leaf.fields.subject.values("2.5.4.3") {
            let isHost = !name.utf8.allSatisfy { $0 < 0x80 } || (name.contains(".") && HostName.isName(name))
            let beside = path.leaf.alternativeNames.compactMap { alternative -> String? in
                switch alternative {
                case .dns(let text) where isHost != text.hasPrefix("*."): text
                case .ip(let address) where !isHost: IPAddress.text(address)
                default: nil
                }
            }
            guard beside.isEmpty || beside.contains(name) else {
                throw path.refusal(.commonName, 0, "its common name is none of its alternative names")
            }
        }
    }
}
