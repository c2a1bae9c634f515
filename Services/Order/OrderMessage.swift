import Contracts
import Persistence

/// What Order asks of others after a commit.
enum OrderMessage: OutboxMessage {
    case askInsurer(OrderID)
    case issue(OrderID)
    case endorse(OrderID)
    case returnPayment(OrderID, PaymentOrderID, PaymentSentBack.Reason)
    case toRefund(Event)
    case toPayment(OrderID, Event)
    case sms(OrderID, TextMessage)

    var aggregate: String {
        switch self {
        case .askInsurer(let id), .issue(let id), .endorse(let id), .returnPayment(let id, _, _): id.text
        case .toRefund(.surrenderAllowed(let allowed)): "refund " + allowed.refund.text
        case .toRefund: "refund"
        case .toPayment(let id, _): "payment " + id.text
        case .sms(let id, _): "sms " + id.text
        }
    }

    var kind: String {
        switch self {
        case .askInsurer: "underwriting"
        case .issue: "policy"
        case .endorse: "endorsement"
        case .returnPayment: "return of payment"
        case .toRefund: "event to refund"
        case .toPayment: "event to payment"
        case .sms: "sms"
        }
    }
}

extension Transaction {
    /// Tells the handler by SMS; the telephone is the one that was verified (A7).
    func notify(_ order: InsuranceOrder, _ text: String, at now: Instant) throws {
        guard let mobile = order.stepUp?.mobile else { return }
        try send(OrderMessage.sms(order.id, TextMessage(to: mobile, text: "【保函平台】" + text)), at: now)
    }
}
