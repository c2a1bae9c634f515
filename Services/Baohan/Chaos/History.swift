import Foundation
import Synchronization

/// What happened in a campaign, in order: of each story, and what was done to the deployment.
final class History: Sendable {
    struct Line: Sendable {
        let milliseconds: Int64
        /// The story's number; nil for what was done to the deployment.
        let story: Int?
        let text: String
    }

    private let start = ContinuousClock.now
    private let lines = Mutex<[Line]>([])

    func note(_ text: String, story: Int? = nil) {
        let line = Line(milliseconds: (ContinuousClock.now - start).milliseconds, story: story, text: text)
        lines.withLock { $0.append(line) }
    }

    /// The lines of one story, with what was done to the deployment while it ran.
    func of(_ story: Int) -> [String] {
        let all = lines.withLock { $0 }
        let own = all.filter { $0.story == story }
        guard let first = own.first, let last = own.last else { return [] }
        return all.filter {
            $0.story == story || $0.story == nil && (first.milliseconds...last.milliseconds).contains($0.milliseconds)
        }.map(Self.text)
    }

    /// The story that tells of an order.
    func story(of order: String) -> Int? { lines.withLock { $0.first { $0.text.contains(order) }?.story } }

    var faults: [String] { lines.withLock { $0.filter { $0.story == nil } }.map(Self.text) }

    private static func text(_ line: Line) -> String {
        "  \(String(line.milliseconds).leftPadded(to: 8)) ms  \(line.story == nil ? "⚡ " : "")\(line.text)"
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
