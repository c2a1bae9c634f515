import Contracts
import Foundation
import ServiceRuntime

/// A running deployment as the tool sees it, with the strings of its sandbox.
struct World: Sendable {
    let deployment: LocalDeployment
    let auth: Client<AuthAPI>
    let orders: Client<OrderAPI>
    let payments: Client<PaymentAPI>
    let refunds: Client<RefundAPI>
    let invoices: Client<InvoiceAPI>
    let sandbox: Client<SandboxAPI>

    init(_ deployment: LocalDeployment) throws {
        self.deployment = deployment
        auth = try deployment.client(AuthAPI.self)
        orders = try deployment.client(OrderAPI.self)
        payments = try deployment.client(PaymentAPI.self)
        refunds = try deployment.client(RefundAPI.self)
        invoices = try deployment.client(InvoiceAPI.self)
        sandbox = try deployment.client(SandboxAPI.self)
    }

    // MARK: Lots and time

    /// Puts a lot into the trading centre's book and waits until Order knows it.
    ///
    /// - Parameter opens: from now.
    func publishLot(
        _ name: String, deposit: Money = Money(fen: 5_000_000), opens: Duration = .days(14), region: String = "341800"
    ) async throws -> LotDetails {
        let request = PublishLot(
            region: region, projectName: try Words("宣城市水阳江大道改造工程"), lotName: try Words(name), kind: .works,
            estimate: Money(fen: 5_000_000_000), deposit: deposit, opensInSeconds: Int(opens.components.seconds),
            validityDays: 90)
        let lot = try await sandbox.call(.publishLot, request)
        return try await follow(lot)
    }

    /// The tender of a lot moves on; waits until Order has heard of it.
    @discardableResult
    func move(_ lot: LotID, _ event: TenderState.Event) async throws -> LotDetails {
        try await follow(try await sandbox.call(.moveLot, lot, MoveLot(event: event, opening: nil)))
    }

    private func follow(_ lot: LotDetails) async throws -> LotDetails {
        let observer = try await Agent.observer(of: self)
        return try await eventually("Order knows lot \(lot.name.text)") {
            guard let known = try? await observer.call(.lot, lot.id), known.version >= lot.version else { return nil }
            return known
        }
    }

    /// Moves the clock of the sandbox and all services ahead.
    func advance(by duration: Duration) async throws {
        let offset = try await sandbox.call(.clock)
        try await sandbox.call(.moveClock, ClockOffset(milliseconds: offset.milliseconds + duration.milliseconds))
    }

    func now() async throws -> Instant {
        ServiceClock(offset: try await sandbox.call(.clock)).now
    }

    func messages(to mobile: MobileNumber) async throws -> [String] {
        try await sandbox.call(.messages, PhoneQuery(mobile: mobile)).map(\.text)
    }
}

/// Nothing of the kind happened in time.
struct TookTooLong: Error, CustomStringConvertible {
    let what: String
    var description: String { "waited in vain: \(what)" }
}

/// Asks again and again until there is an answer.
func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(60), _ ask: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try await ask() { return value }
        guard ContinuousClock.now < deadline else { throw TookTooLong(what: what) }
        try await Task.sleep(for: .milliseconds(15))
    }
}
