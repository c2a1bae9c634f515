import Contracts

/// Money that is about to leave, as the decision needs it.
struct PayoutPlan: Sendable {
    /// A refund goes to whichever account the bidder names; a return only to where the money came from.
    let isRefund: Bool
    let amount: Money
    let account: AccountReference
    let bidder: Words?
    let rules: PayoutRules
    /// For the region on this day, without this one.
    let sentToday: Money
}

/// Why a payout has to wait; nil when it may leave by itself.
func hold(on plan: PayoutPlan) -> PayoutHold? {
    if plan.isRefund {
        guard let bidder = plan.bidder, plan.account.name.isSameName(as: bidder) else { return .nameDiffers }
    }
    if plan.amount > plan.rules.approvalAbove { return .aboveLimit }
    if plan.sentToday + plan.amount > plan.rules.dailyLimit { return .dailyLimit }
    return nil
}

/// What becomes of a return that the bank refused for the `round`th time: how long until it is tried again by itself; nil
/// when a person has to find an account.
func pauseBeforeNextReturn(afterRound round: Int) -> Duration? {
    switch round {
    case 1: .minutes(10)
    case 2: .hours(2)
    case 3: .days(1)
    default: nil
    }
}
