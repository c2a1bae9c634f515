import Contracts
import Persistence
import ServiceRuntime

/// Everybody whose clock follows the sandbox's.
struct Followers: Sendable {
    private let auth: Client<AuthAPI>
    private let order: Client<OrderAPI>
    private let payment: Client<PaymentAPI>
    private let refund: Client<RefundAPI>
    private let invoice: Client<InvoiceAPI>

    init(_ runtime: Runtime) {
        auth = runtime.client(AuthAPI.self)
        order = runtime.client(OrderAPI.self)
        payment = runtime.client(PaymentAPI.self)
        refund = runtime.client(RefundAPI.self)
        invoice = runtime.client(InvoiceAPI.self)
    }

    /// A service that is down asks for the clock when it starts.
    func move(to offset: ClockOffset) async {
        async let auth: Nothing? = try? auth.call(.setClock, offset)
        async let order: Nothing? = try? order.call(.setClock, offset)
        async let payment: Nothing? = try? payment.call(.setClock, offset)
        async let refund: Nothing? = try? refund.call(.setClock, offset)
        async let invoice: Nothing? = try? invoice.call(.setClock, offset)
        _ = await (auth, order, payment, refund, invoice)
    }
}

/// The clock that can be moved, so that an opening two weeks away takes a second.
struct TimeMachine: Sendable {
    let database: Database
    let clock: ServiceClock
    let followers: Followers

    func addRoutes(to routes: Routes<SandboxAPI>) {
        routes.on(.clock) { _ in try await offset() }
        routes.on(.moveClock) { call in
            try await database.write { transaction in
                try transaction.execute("UPDATE clock SET milliseconds = ?", call.body.milliseconds)
            }
            clock.move(to: call.body)
            await followers.move(to: call.body)
            return call.body
        }
    }

    private func offset() async throws -> ClockOffset {
        try await database.read { transaction in
            ClockOffset(milliseconds: try transaction.row("SELECT milliseconds FROM clock")?["milliseconds"] ?? 0)
        }
    }

    func restore() async throws { clock.move(to: try await offset()) }
}
