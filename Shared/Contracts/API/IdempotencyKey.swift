/// Names one request of one caller, so that its repetition is known: the same key with the same body gets the stored
/// answer, the same key with another body is refused.
public struct IdempotencyKey: Sendable, Equatable {
    /// Who asks, for what, and the caller's own key.
    public let text: String
    /// SHA-256 of the body, in hexadecimal digits.
    public let fingerprint: String

    public init(text: String, fingerprint: String) {
        self.text = text
        self.fingerprint = fingerprint
    }
}
