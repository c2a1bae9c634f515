import Contracts
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SecureTransport
import ServiceLifecycle
import ServiceRuntime

// bench serve PORT CERTIFICATE KEY            a service of two routes through router and middleware, on one loop
// bench call PORT ROOTS SECONDS TASKS         calls a server as our services call each other; prints calls per second

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

NIOSingletons.groupLoopCountSuggestion = 1
let arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case "serve" where arguments.count == 5:
    var logger = Logger(label: "bench")
    logger.logLevel = .warning
    let routes = Routes<BenchAPI>(sessions: nil, callbacks: nil, clock: ServiceClock())
    routes.on(.get) { _ in ClockOffset(milliseconds: 0) }
    routes.on(.echo) { call in call.body }
    let tls = TLSConfiguration(
        identity: TLSConfiguration.Identity(certificateChainFile: arguments[3], privateKeyFile: arguments[4]))
    try await routes.server(
        at: Address(host: "127.0.0.1", port: Int(arguments[2]) ?? 0), tls: tls,
        group: MultiThreadedEventLoopGroup.singleton, logger: logger
    ).run()
case "call" where arguments.count == 6:
    let client = Client<BenchAPI>(
        Address(host: "127.0.0.1", port: Int(arguments[2]) ?? 0),
        identity: try TLSContext(.client, TLSConfiguration(trustRootsFile: arguments[3])),
        expecting: .host("localhost"),
        group: MultiThreadedEventLoopGroup.singleton)
    let seconds = Double(arguments[4]) ?? 1
    let end = ContinuousClock.now + .seconds(seconds)
    let calls = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<(Int(arguments[5]) ?? 1) {
            group.addTask {
                var count = 0
                while ContinuousClock.now < end {
                    _ = try await client.call(.get)
                    count += 1
                }
                return count
            }
        }
        return try await group.reduce(0, +)
    }
    print(Double(calls) / seconds)
default:
    print("usage: see Benchmarks/run")
    exit(64)
}
