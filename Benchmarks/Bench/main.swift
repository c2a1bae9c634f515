import Contracts
import Foundation
import Logging
import NIOCore
import NIOPosix
import SecureTransport
import ServiceLifecycle
import ServiceRuntime

// bench serve PORT CERTIFICATE KEY            a service of two routes through router and middleware, on one loop
// bench call PORT ROOTS SECONDS TASKS         calls a server as our services call each other; prints calls per second
// bench pages COUNT                           draws policies; prints milliseconds and bytes per page

NIOSingletons.groupLoopCountSuggestion = 1
let arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case "serve" where arguments.count == 5:
    var logger = Logger(label: "bench")
    logger.logLevel = .warning
    let routes = Routes<BenchAPI>(sessions: nil, callbacks: nil, clock: ServiceClock())
    routes.on(.get) { _ in ClockOffset(milliseconds: 0) }
    routes.on(.echo) { call in call.body }
    let tls = try ReloadingTLSContext(
        .server,
        TLSConfiguration(
            identity: TLSConfiguration.Identity(certificateChainFile: arguments[3], privateKeyFile: arguments[4])))
    try await routes.server(
        at: Address(host: "127.0.0.1", port: Int(arguments[2]) ?? 0), tls: tls,
        group: MultiThreadedEventLoopGroup.singleton, logger: logger
    ).run()
case "call" where arguments.count == 6:
    print(
        try await callsPerSecond(
            port: Int(arguments[2]) ?? 0, roots: arguments[3], seconds: Double(arguments[4]) ?? 1,
            tasks: Int(arguments[5]) ?? 1))
case "pages" where arguments.count == 3:
    let page = try policyPages(Int(arguments[2]) ?? 1)
    print(page.milliseconds, page.bytes)
default:
    print("usage: see Benchmarks/run")
    exit(64)
}
