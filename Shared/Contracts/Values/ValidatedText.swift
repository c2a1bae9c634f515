/// Why a text is not a value of some type. Says what is wanted and never repeats what was given.
public struct InvalidValue: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// A text that was checked once, where it came in; on the wire it is a plain string.
public protocol ValidatedText: Codable, Hashable, Sendable, CustomStringConvertible {
    var text: String { get }
    init(_ text: String) throws(InvalidValue)
}

extension ValidatedText {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try Self(try container.decode(String.self))
        } catch let error as InvalidValue {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// A text about a person: printed, it shows its last four characters only, so that logs cannot tell.
public protocol PersonalText: ValidatedText {}

extension PersonalText {
    public var description: String {
        let shown = text.count > 7 ? text.suffix(4) : ""
        return "****\(shown)"
    }
}
