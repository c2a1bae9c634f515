import Contracts
import Cryptography
import Synchronization

/// What the gate leaves in the audit trail: callers that were refused, and calls that only staff or the operator's tool
/// may make.
final class GateTrail: Sendable {
    private struct Refused {
        var minute: Int64 = 0
        var seen: Set<String> = []
    }

    let record: Runtime.Audit
    private let refused = Mutex(Refused())

    init(_ record: @escaping Runtime.Audit) { self.record = record }

    /// Records that a party asked for what is not for it. Once a minute for each caller and route: a party that went bad
    /// must not fill the disk.
    func refuse(_ source: ConnectionSource, _ route: String, at now: Instant) async throws {
        let caller = names(of: source.callers)
        let isNew = refused.withLock { refused in
            let minute = now.milliseconds / 60_000
            if refused.minute != minute { refused = Refused(minute: minute) }
            return refused.seen.insert("\(caller) \(route)").inserted
        }
        guard isNew else { return }
        try await record(
            AuditRecord(
                "caller_refused", by: caller, on: route, certificate: source.peerChain.first.map { sha256($0).hex },
                from: maskedAddress(source.address), result: ProblemCode.callerNotAllowed.rawValue), now)
    }
}

/// The parties that one certificate names, in a fixed order; `nobody` for none.
func names(of parties: Set<Party>) -> String {
    parties.isEmpty ? "nobody" : parties.map(\.rawValue).sorted().joined(separator: "+")
}
