/// The tender of one lot, as the trading centre says it.
public enum TenderState: String, StateAxis {
    case open
    /// Suspended 暂停 or aborted 中止; may be resumed.
    case suspended
    case terminated
    case opened
    /// Too few valid bids 流标.
    case failed
    case awarded
    case closed

    public enum Event: String, Codable, CaseIterable, Sendable {
        case suspend, resume, terminate, openBids, fail, award, close
    }

    public func next(on event: Event) -> TenderState? {
        switch (self, event) {
        case (.open, .suspend): .suspended
        case (.suspended, .resume): .open
        case (.open, .terminate), (.suspended, .terminate): .terminated
        case (.open, .openBids): .opened
        case (.open, .fail), (.opened, .fail): .failed
        case (.opened, .award): .awarded
        case (.awarded, .close), (.failed, .close), (.terminated, .close): .closed
        default: nil
        }
    }
}
