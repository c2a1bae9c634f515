/// One thing that can be in one of several states. An order has several such axes; the page derives its one sentence
/// from all of them.
public protocol StateAxis: RawRepresentable<String>, Codable, Sendable, Hashable, CaseIterable {
    associatedtype Event: RawRepresentable<String> & CaseIterable & Codable & Sendable & Hashable
    /// The state after `event`; nil when the event is forbidden in this state. The only place that knows.
    func next(on event: Event) -> Self?
}

/// An event that the current state forbids.
public struct IllegalTransition: Error, Equatable, Sendable, CustomStringConvertible {
    public let axis: String
    public let state: String
    public let event: String

    public init(axis: String, state: String, event: String) {
        self.axis = axis
        self.state = state
        self.event = event
    }

    public var description: String { "\(axis) is \(state), which does not allow \(event)" }
}

extension StateAxis {
    public func applying(_ event: Event) throws(IllegalTransition) -> Self {
        guard let next = next(on: event) else {
            throw IllegalTransition(axis: "\(Self.self)", state: rawValue, event: event.rawValue)
        }
        return next
    }
}
