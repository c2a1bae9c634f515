import Contracts
import ServiceRuntime

/// Clients with the portal's certificate, on behalf of somebody at an address.
struct ChaosClients: Sendable {
    let auth: Client<AuthAPI>
    let orders: Client<OrderAPI>
    let refunds: Client<RefundAPI>
    let invoices: Client<InvoiceAPI>

    init(_ deployment: LocalDeployment) throws {
        auth = try deployment.client(AuthAPI.self, as: "portal")
        orders = try deployment.client(OrderAPI.self, as: "portal")
        refunds = try deployment.client(RefundAPI.self, as: "portal")
        invoices = try deployment.client(InvoiceAPI.self, as: "portal")
    }

    private init(
        _ auth: Client<AuthAPI>, _ orders: Client<OrderAPI>, _ refunds: Client<RefundAPI>,
        _ invoices: Client<InvoiceAPI>
    ) {
        self.auth = auth
        self.orders = orders
        self.refunds = refunds
        self.invoices = invoices
    }

    func from(address: String) -> ChaosClients {
        ChaosClients(
            auth.forwarding(address), orders.forwarding(address), refunds.forwarding(address),
            invoices.forwarding(address))
    }
}

extension Client where API == SandboxAPI {
    /// Asks the sandbox until it answers; what was done twice, the platform has to bear.
    @discardableResult
    func persistently<Body, Reply>(
        _ endpoint: Endpoint<API, Nothing, Body, Reply>, _ body: Body
    ) async throws -> Reply {
        let end = ContinuousClock.now + .seconds(120)
        while true {
            do {
                return try await call(endpoint, body)
            } catch let problem as Problem where problem.code.status >= 500 {
                guard ContinuousClock.now < end else { throw problem }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
