import Contracts
import Persistence
import ServiceRuntime

/// What the outside world tells our services of its own accord.
enum Callback: OutboxMessage {
    case lot(LotNotice)
    case underwriting(InsurerNotice)
    case surrender(SurrenderNotice)
    case bank(BankNotice)
    case tax(TaxNotice)
    case courier(CourierNotice)

    var aggregate: String {
        switch self {
        case .lot(let notice): notice.lot.id.text
        case .underwriting(let notice): notice.order.text
        case .surrender(let notice): notice.refund.text
        case .bank(let notice): notice.transaction
        case .tax(let notice): notice.invoice.text
        case .courier(let notice): notice.invoice.text
        }
    }

    var kind: String {
        switch self {
        case .lot: "lot notice"
        case .underwriting: "underwriting notice"
        case .surrender: "surrender notice"
        case .bank: "bank notice"
        case .tax: "tax notice"
        case .courier: "courier notice"
        }
    }
}

/// Sends callbacks, signed.
struct Callbacks: Sendable {
    private let orders: Client<OrderAPI>
    private let payments: Client<PaymentAPI>
    private let refunds: Client<RefundAPI>
    private let invoices: Client<InvoiceAPI>

    init(_ runtime: Runtime) {
        orders = runtime.callbackClient(OrderAPI.self)
        payments = runtime.callbackClient(PaymentAPI.self)
        refunds = runtime.callbackClient(RefundAPI.self)
        invoices = runtime.callbackClient(InvoiceAPI.self)
    }

    func deliver(_ callback: Callback, _ delivery: Delivery) async throws {
        let key = delivery.id.text
        switch callback {
        case .lot(let notice): try await orders.call(.lotNotice, notice, key: key)
        case .underwriting(let notice): try await orders.call(.insurerNotice, notice, key: key)
        case .surrender(let notice): try await refunds.call(.surrenderNotice, notice, key: key)
        case .bank(let notice): try await payments.call(.bankNotice, notice, key: key)
        case .tax(let notice): try await invoices.call(.taxNotice, notice, key: key)
        case .courier(let notice): try await invoices.call(.courierNotice, notice, key: key)
        }
    }
}
