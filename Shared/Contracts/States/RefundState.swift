/// A surrender of a policy and the return of its premium (R4 to R6).
public enum RefundState: String, StateAxis {
    /// Asked for, Order has not answered yet.
    case applied
    /// Allowed; the account for the money is to be confirmed (完善退保账户信息, R5).
    case accountPending = "account_pending"
    /// With the insurer (R6).
    case reviewing
    case approved
    /// The payout is under way.
    case sending
    /// 退保成功.
    case done
    case rejected
    /// The bank refused the payout, for example because the account is closed; a new account may be given.
    case payoutFailed = "payout_failed"

    public enum Event: String, Codable, CaseIterable, Sendable {
        case allow, refuse, fillAccount, approve, send, confirm, failPayout
    }

    public func next(on event: Event) -> RefundState? {
        switch (self, event) {
        // Allowed once is allowed, whatever somebody else was told in the meantime.
        case (.applied, .allow), (.rejected, .allow): .accountPending
        case (.applied, .refuse), (.reviewing, .refuse): .rejected
        case (.accountPending, .fillAccount): .reviewing
        case (.reviewing, .approve): .approved
        case (.approved, .send): .sending
        case (.sending, .confirm): .done
        // The bank may take its word back: the account it paid to sent the money back (退汇).
        case (.sending, .failPayout), (.done, .failPayout): .payoutFailed
        // Or it says at last that it paid what it had called refused.
        case (.payoutFailed, .confirm): .done
        case (.payoutFailed, .fillAccount): .approved
        default: nil
        }
    }
}
