/// A beneficiary's claim on an open policy.
public enum ClaimState: String, StateAxis {
    case submitted
    /// Ten working days from receipt.
    case examining
    case accepted
    case paid
    case recourse
    case refused
    case withdrawn

    public enum Event: String, Codable, CaseIterable, Sendable {
        case examine, accept, refuse, pay, recover, withdraw
    }

    public func next(on event: Event) -> ClaimState? {
        switch (self, event) {
        case (.submitted, .examine): .examining
        case (.examining, .accept): .accepted
        case (.examining, .refuse): .refused
        case (.accepted, .pay): .paid
        case (.paid, .recover): .recourse
        case (.submitted, .withdraw), (.examining, .withdraw): .withdrawn
        default: nil
        }
    }
}
