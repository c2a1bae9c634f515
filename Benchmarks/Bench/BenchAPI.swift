import Contracts

/// The order that is sent back, about 440 bytes of JSON.
struct BenchOrder: Codable, Sendable {
    struct Item: Codable, Sendable {
        let name: String
        let quantity: Int
        let amount: Money
    }

    let id: OrderID
    let lot: LotID
    let bidder: Words
    let creditCode: UnifiedSocialCreditCode
    let premium: Money
    let opening: Instant
    let isPaid: Bool
    let items: [Item]
}

enum BenchAPI: ServiceAPI {
    static let server = Party.order
}

extension Endpoint where API == BenchAPI, ID == Nothing, Request == Nothing, Reply == ClockOffset {
    static var get: Self { .get("/v1/get", for: .parties([])) }
}

extension Endpoint where API == BenchAPI, ID == Nothing, Request == BenchOrder, Reply == BenchOrder {
    static var echo: Self { .repeatablePost("/v1/echo", for: .parties([])) }
}
