/// The policy of one order (A10 to A12, R6).
public enum PolicyState: String, StateAxis {
    case none
    /// Paid, the insurer is asked for the policy.
    case issuing
    /// Paid and not issued: tried again, or refunded.
    case issueFailed = "issue_failed"
    /// Issued; tenderee, project and lot are tokens (A11).
    case sealed
    /// The bids are opened, the endorsement with the plain data is under way.
    case opening
    /// The open policy can be downloaded (A12).
    case open
    /// Stopped: a surrender was asked for, the insurer has not decided (R6).
    case surrendering
    case surrendered
    case expired
    case released
    case claimed

    public enum Event: String, Codable, CaseIterable, Sendable {
        case order, fail, retry, issue, openBids, endorse, askSurrender, surrender, refuseSurrender
        case refuseSurrenderAfterOpening, expire, release, claim
    }

    public func next(on event: Event) -> PolicyState? {
        switch (self, event) {
        case (.none, .order), (.issueFailed, .retry): .issuing
        case (.issuing, .fail): .issueFailed
        case (.issuing, .issue): .sealed
        case (.sealed, .openBids): .opening
        case (.opening, .endorse): .open
        case (.sealed, .askSurrender): .surrendering
        case (.surrendering, .surrender): .surrendered
        case (.surrendering, .refuseSurrender): .sealed
        case (.surrendering, .refuseSurrenderAfterOpening): .opening
        case (.sealed, .expire), (.opening, .expire), (.open, .expire): .expired
        case (.sealed, .release), (.opening, .release), (.open, .release): .released
        case (.open, .claim): .claimed
        default: nil
        }
    }
}
