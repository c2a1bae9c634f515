/// What happened, who did it, with which certificate, from where, and how it ended. Holds identifiers and never names,
/// numbers or telephones of people.
public struct AuditRecord: Sendable, Equatable {
    /// Such as `login`, `session_ended`, `block`.
    public let event: String
    /// An enterprise, a party of the deployment, or `nobody` before it is known who it is.
    public let actor: String
    /// What it was done to.
    public let subject: String
    /// SHA-256 of the certificate.
    public let certificate: String?
    /// The network that it came from; the host is masked.
    public let origin: String?
    /// `done`, or the code of the refusal.
    public let result: String

    public init(
        _ event: String, by actor: String, on subject: String = "", certificate: String? = nil,
        from origin: String? = nil,
        result: String = "done"
    ) {
        self.event = event
        self.actor = actor
        self.subject = subject
        self.certificate = certificate
        self.origin = origin
        self.result = result
    }
}

/// The network of an address: an audit needs to tell places apart, not to follow people.
public func maskedAddress(_ address: String) -> String {
    if address.contains(":") { return address.split(separator: ":").prefix(3).joined(separator: ":") + "::/48" }
    return address.split(separator: ".").prefix(3).joined(separator: ".") + ".0/24"
}
