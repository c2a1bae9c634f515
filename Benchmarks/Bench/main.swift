import Contracts
import Foundation
import Logging
import NIOCore
import NIOPosix
import SecureTransport
import ServiceLifecycle
import ServiceRuntime

// bench serve PORT CERTIFICATE KEY [ROOTS]    a service of two routes through router and middleware, on one loop; with
//                                             roots it demands client certificates
// bench call PORT ROOTS SECONDS TASKS         calls a server as our services call each other; prints calls per second
// bench checks SECONDS                        verifies tokens, logins and serial numbers; prints name and rate, one a line
// bench list FILE                              writes a revocation list of a million serial numbers
// bench lookups FILE SECONDS                   its memory, and how long a look-up takes
// bench pages COUNT                           draws policies; prints milliseconds and bytes per page

NIOSingletons.groupLoopCountSuggestion = 1
let arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case "serve" where arguments.count == 5 || arguments.count == 6:
    var logger = Logger(label: "bench")
    logger.logLevel = .warning
    let routes = Routes<BenchAPI>(sessions: nil, callbacks: nil, clock: ServiceClock())
    routes.on(.get) { _ in ClockOffset(milliseconds: 0) }
    routes.on(.echo) { call in call.body }
    let tls = try ReloadingTLSContext(
        .server,
        TLSConfiguration(
            identity: TLSConfiguration.Identity(certificateChainFile: arguments[3], privateKeyFile: arguments[4]),
            trustRootsFile: arguments.count == 6 ? arguments[5] : nil,
            clientCertificates: arguments.count == 6 ? .required : .none))
    try await routes.server(
        at: Address(host: "127.0.0.1", port: Int(arguments[2]) ?? 0), tls: tls,
        group: MultiThreadedEventLoopGroup.singleton, logger: logger
    ).run()
case "call" where arguments.count == 6:
    print(
        try await callsPerSecond(
            port: Int(arguments[2]) ?? 0, roots: arguments[3], seconds: Double(arguments[4]) ?? 1,
            tasks: Int(arguments[5]) ?? 1))
case "checks" where arguments.count == 3:
    try await checks(seconds: Double(arguments[2]) ?? 1)
case "list" where arguments.count == 3:
    try writeBigList(arguments[2])
case "lookups" where arguments.count == 4:
    try lookUps(arguments[2], seconds: Double(arguments[3]) ?? 1)
case "pages" where arguments.count == 3:
    let page = try policyPages(Int(arguments[2]) ?? 1)
    print(page.milliseconds, page.bytes)
default:
    print("usage: see Benchmarks/run")
    exit(64)
}
