import Contracts
import NIOPosix
import SecureTransport
import ServiceRuntime

/// Calls a server with as many tasks at a time, for as long, as our services call each other.
func callsPerSecond(port: Int, roots: String, seconds: Double, tasks: Int) async throws -> Double {
    let client = Client<BenchAPI>(
        Address(host: "127.0.0.1", port: port),
        identity: try ReloadingTLSContext(.client, TLSConfiguration(trustRootsFile: roots)),
        expecting: .host("localhost"),
        group: MultiThreadedEventLoopGroup.singleton)
    let end = ContinuousClock.now + .seconds(seconds)
    let calls = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<tasks {
            // On a loop, as a request's handler runs.
            group.addTask(executorPreference: LoopExecutor.of(MultiThreadedEventLoopGroup.singleton.next())) {
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
    return Double(calls) / seconds
}
