import Contracts

/// A payment order as the decision about incoming money needs it.
struct PaymentOrder: Sendable {
    let id: PaymentOrderID
    let order: OrderID
    let enterprise: EnterpriseID
    let payerName: Words
    let basicAccount: AccountReference
    let requiresBasicAccount: Bool
    let amount: Money
    let reference: String
    let payTo: AccountReference
    let state: PaymentState
    let expiresAt: Instant
    let payer: AccountReference?
    let region: String
    /// The region's rules on paying out; the platform's own where it has none.
    let payouts: PayoutRules?
    /// What was applied, and what of it is back with the bidder or on its way there.
    let received: Money
    let returned: Money
}

/// Money that came in.
struct Credit: Codable, Sendable {
    let transaction: String
    let amount: Money
    let reference: String
    let payer: AccountReference
    let isBasicAccount: Bool
    let at: Instant
}

enum CreditDecision: Equatable, Sendable {
    case apply
    case sendBack(PaymentSentBack.Reason)
}

/// Whether money that came in pays the order (A9): from the bidder, from its basic account where the region says so, in
/// full, in time and once. The bank's time counts, not that of its notice.
func decide(on credit: Credit, for order: PaymentOrder) -> CreditDecision {
    switch order.state {
    case .paid, .partlyRefunded, .refunded: return .sendBack(.alreadyPaid)
    case .failed: return .sendBack(.tooLate)
    case .none, .awaiting, .processing, .held: break
    }
    guard credit.at <= order.expiresAt else { return .sendBack(.tooLate) }
    guard credit.payer.name.isSameName(as: order.payerName) else { return .sendBack(.otherPayer) }
    if order.requiresBasicAccount {
        guard credit.isBasicAccount, credit.payer.number == order.basicAccount.number else {
            return .sendBack(.notBasicAccount)
        }
    }
    guard credit.amount == order.amount else { return .sendBack(.wrongAmount) }
    return .apply
}
