/// Reads and writes JSON (RFC 8259) for Codable types, and refuses what a money API must not guess about: duplicate
/// keys, trailing commas, lone surrogates, bytes that are not UTF-8, numbers where a string is due, and, at the public
/// API, fields that nobody asked for.
public enum StrictJSON {
    /// What a reader accepts beyond the grammar, and how much of it.
    public struct Rules: Sendable {
        public enum UnknownFields: Sendable { case refused, ignored }

        public var unknownFields: UnknownFields
        /// Nesting of arrays and objects; deeper documents are an attack on the stack.
        public var maximumDepth = 64
        /// Bytes of the whole document.
        public var maximumSize = 16 * 1_024 * 1_024

        /// For requests from people and foreign systems.
        public static let publicAPI = Rules(unknownFields: .refused)
        /// Between our services, where a newer version may say more than an older one knows.
        public static let services = Rules(unknownFields: .ignored)
    }

    /// - Throws: ``JSONError`` with the path of what is wrong.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: [UInt8], rules: Rules = .services
    ) throws(JSONError) -> Value {
        let document = try JSONDocument(bytes, rules: rules)
        let value = try document.decode(type, at: 0)
        if rules.unknownFields == .refused { try document.refuseUnreadFields() }
        return value
    }

    /// - Throws: `EncodingError` for a floating-point number that JSON cannot say, or what the value itself throws.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let output = JSONOutput()
        try output.write(value, depth: 0)
        return output.bytes
    }
}

/// Why a document was refused. Never holds a value from the document, so it may be logged and sent back.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case malformed
        case duplicateKey
        case tooDeep
        case tooLarge
        case missingField
        case unknownField
        case wrongType
        case invalidValue
    }

    public let reason: Reason
    /// JSON Pointer (RFC 6901) of the offending place; empty for the whole document.
    public let path: String
    public let detail: String

    public var description: String { "\(path.isEmpty ? "document" : path): \(detail)" }
}
