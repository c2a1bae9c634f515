import Contracts
import Persistence
import ServiceRuntime

/// Builds the payment service: everything it needs, in the order in which it needs it.
func paymentService(_ runtime: Runtime) async throws {
    let clock = runtime.clock
    let address = runtime.settings.databaseAddress()
    let rules = PayoutRules(
        approvalAbove: runtime.settings.money("payouts.approval.above", default: "5000.00"),
        dailyLimit: runtime.settings.money("payouts.daily.limit", default: "1000000.00"))
    try runtime.settings.check()
    let database = try await Database(address, migrations: paymentMigrations)
    runtime.recordCalls { try await database.audit($0, at: $1) }
    let store = Store(database: database)
    let bank = Bank(client: runtime.client(BankAPI.self))
    let payments = Payments(store: store, bank: bank, rules: rules, clock: clock, logger: runtime.logger)
    let orders = runtime.client(OrderAPI.self)
    let refunds = runtime.client(RefundAPI.self)
    let insurers = runtime.callbackClient(InsurerAPI.self)
    let providers = runtime.callbackClient(ProviderAPI.self)
    let relay = Relay<PaymentMessage>(database, now: { clock.now }, logger: runtime.logger) { message, delivery in
        switch message {
        case .toOrder(let event):
            try await orders.call(.event, EventEnvelope(id: delivery.id, at: delivery.createdAt, event: event))
        case .toRefund(let event):
            try await refunds.call(.event, EventEnvelope(id: delivery.id, at: delivery.createdAt, event: event))
        case .tellInsurer(let settlement):
            try await insurers.call(.settlement, settlement, key: delivery.id.text)
        case .tellProvider(let settlement):
            try await providers.call(.settlement, settlement, key: delivery.id.text)
        case .payOut(let payout):
            try await payments.payOut(payout, key: delivery.id, isRepeated: delivery.attempt > 1)
        }
    }

    let reconciliations = Reconciliations(
        store: store, bank: bank, insurers: runtime.client(InsurerAPI.self),
        providers: runtime.client(ProviderAPI.self),
        rules: rules, clock: clock, logger: runtime.logger)

    try runtime.serve(PaymentAPI.self) { routes in
        addRoutes(
            to: routes, database: database, payments: payments, reconciliations: reconciliations, clock: clock)
    }
    runtime.run(relay)
    // A lost notice costs the bidder at most this long.
    runtime.run(
        Periodic("bank statement", every: .seconds(1), logger: runtime.logger) {
            try await payments.expire()
        })
    runtime.run(
        Periodic("payouts", every: .seconds(2), logger: runtime.logger) { try await payments.followPayouts() })
    runtime.run(
        Periodic("reconciliation", every: .seconds(60), logger: runtime.logger) {
            try await reconciliations.reconcileDaily()
        })
}

/// What Payment asks of others after a commit.
enum PaymentMessage: OutboxMessage {
    case toOrder(Event)
    case toRefund(Event)
    case payOut(PayoutID)
    case tellInsurer(Settlement)
    case tellProvider(Settlement)

    var aggregate: String {
        switch self {
        case .toOrder(let event): "order " + Self.subject(of: event)
        case .toRefund(let event): "refund " + Self.subject(of: event)
        case .payOut(let payout): payout.text
        case .tellInsurer(let settlement): "insurer " + settlement.order.text
        case .tellProvider(let settlement): "provider " + settlement.order.text
        }
    }

    var isCallback: Bool {
        switch self {
        case .tellInsurer, .tellProvider: true
        case .toOrder, .toRefund, .payOut: false
        }
    }

    var kind: String {
        switch self {
        case .toOrder: "event to order"
        case .toRefund: "event to refund"
        case .payOut: "payout"
        case .tellInsurer: "settlement to insurer"
        case .tellProvider: "settlement to provider"
        }
    }

    private static func subject(of event: Event) -> String {
        switch event {
        case .paymentReceived(let received): received.order.text
        case .paymentSentBack(let sentBack): sentBack.order.text
        case .paymentExpired(let order), .surrenderRefused(let order, _), .surrenderDone(let order, _): order.text
        case .payoutDone(let result), .payoutFailed(let result): result.order.text
        case .surrenderAllowed(let allowed): allowed.decision.order.text
        case .policyIssued(let issued): issued.order.text
        }
    }
}
