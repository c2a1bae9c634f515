/// The application for a guarantee (A4 to A8).
public enum ApplicationState: String, StateAxis {
    /// Being filled in; can be resumed (A6).
    case draft
    /// Checked and handed in (提交申请, A6); the quote is fixed. Editing makes it a draft again.
    case ready
    /// Consent, captcha and SMS code were right (立即投保, A7).
    case submitted
    /// An insurer was drawn (A7).
    case assigned
    /// With the insurer (A8).
    case reviewing
    /// The insurer asked the bidder something (A8).
    case informationWanted = "information_wanted"
    case approved
    case rejected
    case cancelled
    /// The deadline or the quote ran out first.
    case expired
    /// The policy is issued (A10).
    case issued

    public enum Event: String, Codable, CaseIterable, Sendable {
        case complete, edit, submit, draw, startReview, askInformation, giveInformation, approve, reject, cancel, expire
        case issue
    }

    public func next(on event: Event) -> ApplicationState? {
        switch (self, event) {
        case (.draft, .edit), (.ready, .edit): .draft
        case (.draft, .complete): .ready
        case (.ready, .submit): .submitted
        case (.submitted, .draw): .assigned
        case (.assigned, .startReview): .reviewing
        case (.reviewing, .askInformation): .informationWanted
        case (.informationWanted, .giveInformation): .reviewing
        case (.reviewing, .approve): .approved
        case (.reviewing, .reject): .rejected
        case (.draft, .cancel), (.ready, .cancel), (.submitted, .cancel), (.assigned, .cancel), (.reviewing, .cancel),
            (.informationWanted, .cancel), (.approved, .cancel):
            .cancelled
        case (.draft, .expire), (.ready, .expire), (.submitted, .expire), (.assigned, .expire), (.reviewing, .expire),
            (.informationWanted, .expire), (.approved, .expire):
            .expired
        case (.approved, .issue): .issued
        default: nil
        }
    }

    /// Whether a bidder's next application for the same lot has to wait for the end of this one.
    public var isLive: Bool {
        switch self {
        case .draft, .ready, .submitted, .assigned, .reviewing, .informationWanted, .approved, .issued: true
        case .rejected, .cancelled, .expired: false
        }
    }
}
