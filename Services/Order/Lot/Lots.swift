import Contracts
import ServiceRuntime

/// Lots and providers, as the outside world publishes them (A4, A5).
struct Lots: Sendable {
    private static let defaultPage = 20
    private static let largestPage = 100

    let store: Store
    let centre: Client<TradingCentreAPI>
    let providers: Client<ProviderAPI>
    let clock: ServiceClock

    func search(_ query: LotQuery) async throws -> Page<LotDetails> {
        let limit = query.limit ?? Self.defaultPage
        guard (1...Self.largestPage).contains(limit) else {
            throw Problem(.invalidField, "must lie between 1 and \(Self.largestPage)", field: "/limit")
        }
        return try await store.openLots(matching: query.text, after: query.cursor, limit: limit, at: clock.now)
    }

    func lot(_ id: LotID) async throws -> LotDetails {
        guard let lot = try await store.lot(id) else { throw Problem(.lotUnknown) }
        return lot.published
    }

    func allProviders() async throws -> [ProviderDetails] { try await store.providers() }

    /// Without them nothing can be applied for.
    func areProvidersKnown() async -> Bool { (try? await store.providers().isEmpty) == false }

    /// The trading centre's word on a lot. An older word than the one we have changes nothing.
    func take(_ details: LotDetails) async throws { try await store.take(details, at: clock.now) }

    // MARK: Background

    /// Reads what the trading centre published since the last look: notices get lost.
    func follow() async throws {
        let feed = try await centre.call(.lotsSince, LotsSince(sequence: try await store.feedPosition()))
        for lot in feed.lots { try await take(lot) }
        try await store.setFeedPosition(feed.sequence)
    }

    func refreshProviders() async throws {
        try await store.setProviders(try await providers.call(.catalogue))
    }
}
