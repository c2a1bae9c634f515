/// The premium of one order (A9).
public enum PaymentState: String, StateAxis {
    case none
    /// A payment order is out; money is expected.
    case awaiting
    /// Money has come and is being checked (待入账).
    case processing
    case paid
    case partlyRefunded = "partly_refunded"
    case refunded
    /// Nothing acceptable came in time.
    case failed
    /// Money of doubtful origin waits for a person's decision.
    case held

    public enum Event: String, Codable, CaseIterable, Sendable {
        case request, receive, accept, sendBack, hold, expire, refundPart, refundRest
    }

    public func next(on event: Event) -> PaymentState? {
        switch (self, event) {
        case (.none, .request): .awaiting
        case (.awaiting, .receive): .processing
        case (.processing, .accept), (.held, .accept): .paid
        case (.processing, .sendBack), (.held, .sendBack): .awaiting
        case (.processing, .hold): .held
        case (.awaiting, .expire), (.none, .expire): .failed
        case (.paid, .refundPart), (.partlyRefunded, .refundPart): .partlyRefunded
        case (.paid, .refundRest), (.partlyRefunded, .refundRest): .refunded
        default: nil
        }
    }
}
