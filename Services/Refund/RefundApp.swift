import Contracts
import Persistence
import ServiceRuntime

/// Builds the refund service: everything it needs, in the order in which it needs it.
func refundService(_ runtime: Runtime) async throws {
    let clock = runtime.clock
    let address = runtime.settings.databaseAddress()
    try runtime.settings.check()
    let database = try await Database(address, migrations: refundMigrations)
    runtime.recordCalls { try await database.audit($0, at: $1) }
    let orders = runtime.client(OrderAPI.self)
    let payments = runtime.client(PaymentAPI.self)
    let refunds = Refunds(
        store: Store(database: database), orders: orders, insurers: Insurers(client: runtime.client(InsurerAPI.self)),
        clock: clock)
    let relay = Relay<RefundMessage>(database, now: { clock.now }, logger: runtime.logger) { message, delivery in
        switch message {
        case .askInsurer(let id): try await refunds.askInsurer(id, isRepeated: delivery.attempt > 1)
        case .payOut(let payout): try await payments.call(.createPayout, payout, key: delivery.id.text)
        case .toOrder(let event):
            try await orders.call(.event, EventEnvelope(id: delivery.id, at: delivery.createdAt, event: event))
        }
    }

    try runtime.serve(RefundAPI.self) { routes in
        addRoutes(to: routes, database: database, refunds: refunds, clock: clock)
    }
    runtime.run(relay)
    runtime.run(
        Periodic("insurers' answers", every: .seconds(2), logger: runtime.logger) { try await refunds.askAgain() })
}

/// What Refund asks of others after a commit.
enum RefundMessage: OutboxMessage {
    case askInsurer(RefundID)
    case payOut(CreatePayout)
    case toOrder(Event)

    var aggregate: String {
        switch self {
        case .askInsurer(let id): id.text
        case .payOut(let payout): payout.refund.text
        case .toOrder(.surrenderRefused(_, let refund)), .toOrder(.surrenderDone(_, let refund)): refund.text
        case .toOrder: "order"
        }
    }

    var kind: String {
        switch self {
        case .askInsurer: "surrender"
        case .payOut: "payout"
        case .toOrder: "event to order"
        }
    }
}
