import Contracts
import ServiceRuntime

/// 账户中心: the enterprise's own data (A3).
struct Enterprises: Sendable {
    let store: Store
    let centre: Client<TradingCentreAPI>
    let clock: ServiceClock

    func profile(of id: EnterpriseID) async throws -> EnterpriseProfile {
        guard let profile = try await store.profile(id) else { throw Problem(.notFound) }
        return profile
    }

    /// Asks the trading platform's registry. New data have to be saved again before anything can be applied for.
    func synchronise(_ person: Person) async throws -> EnterpriseProfile {
        try person.demandAssigned()
        let registered: RegisteredEnterprise
        do {
            registered = try await centre.call(.registeredEnterprise, person.creditCode)
        } catch let problem as Problem where problem.code == .notFound {
            throw Problem(.enterpriseNotRegistered)
        }
        guard registered.creditCode == person.creditCode else { throw Problem(.enterpriseNotRegistered) }
        return try await store.synchronise(person.enterprise, with: registered, at: clock.now)
    }

    func save(_ request: SaveEnterprise, by person: Person) async throws -> EnterpriseProfile {
        try person.demandAssigned()
        return try await store.save(request, for: person.enterprise)
    }
}
