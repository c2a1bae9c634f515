/// An invoice for a premium (I1 to I4).
public enum InvoiceState: String, StateAxis {
    case applied
    /// With the tax platform.
    case issuing
    /// Issued; an electronic one can be downloaded (I3).
    case issued
    /// Paper, handed to the courier (I4).
    case posted
    case redPending = "red_pending"
    case redDone = "red_done"
    case failed
    /// Issued, and the seal on its document failed.
    case sealFailed = "seal_failed"

    public enum Event: String, Codable, CaseIterable, Sendable {
        case send, issue, fail, failSeal, retry, post, askRedLetter, issueRedLetter
    }

    public func next(on event: Event) -> InvoiceState? {
        switch (self, event) {
        case (.applied, .send), (.failed, .retry), (.sealFailed, .retry): .issuing
        case (.issuing, .issue): .issued
        case (.issuing, .fail): .failed
        case (.issuing, .failSeal): .sealFailed
        case (.issued, .post): .posted
        case (.issued, .askRedLetter), (.posted, .askRedLetter): .redPending
        case (.redPending, .issueRedLetter): .redDone
        default: nil
        }
    }
}
