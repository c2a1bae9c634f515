import Contracts
import Foundation
import Synchronization

/// The time as a service sees it: injected wherever a rule compares times. Only in a sandbox can it be moved.
public final class ServiceClock: Sendable {
    private let offset: Atomic<Int64>

    public init(offset: ClockOffset = ClockOffset(milliseconds: 0)) {
        self.offset = Atomic(offset.milliseconds)
    }

    public var now: Instant {
        Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000) + offset.load(ordering: .relaxed))
    }

    public func move(to offset: ClockOffset) {
        self.offset.store(offset.milliseconds, ordering: .relaxed)
    }
}
