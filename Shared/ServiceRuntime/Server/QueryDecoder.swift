import Contracts

/// Reads the query of a GET into a flat Codable type; unknown and repeated names are refused.
enum QueryDecoder {
    static func decode<Value: Decodable>(_ type: Value.Type, from query: String) throws -> Value {
        var fields: [String: String] = [:]
        for pair in query.split(separator: "&", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = unescape(parts[0]), let value = unescape(parts.count > 1 ? parts[1] : ""),
                fields.updateValue(value, forKey: name) == nil
            else { throw Problem(.invalidField, "the query is malformed") }
        }
        let reader = FieldDecoder(fields: fields)
        let value = try Value(from: reader)
        if let unknown = fields.keys.sorted().first(where: { !reader.read.names.contains($0) }) {
            throw Problem(.unknownField, "is not a field of this request", field: "/" + unknown)
        }
        return value
    }

    private static func unescape(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(code)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Which names were asked for.
    private final class Read { var names: Set<String> = [] }

    private struct FieldDecoder: Decoder {
        let fields: [String: String]
        let read = Read()
        var codingPath: [any CodingKey] { [] }
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
            KeyedDecodingContainer(Fields(decoder: self))
        }
        func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Problem(.invalidField) }
        func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Problem(.invalidField) }
    }

    private struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let decoder: FieldDecoder
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { decoder.fields.keys.compactMap { Key(stringValue: $0) } }

        func contains(_ key: Key) -> Bool {
            decoder.read.names.insert(key.stringValue)
            return decoder.fields[key.stringValue] != nil
        }
        func decodeNil(forKey key: Key) -> Bool { !contains(key) }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            guard contains(key), let text = decoder.fields[key.stringValue] else {
                throw Problem(.invalidField, "is missing", field: "/" + key.stringValue)
            }
            do {
                return try Value(from: TextDecoder(text: text))
            } catch {
                throw Problem(.invalidField, "has a value that is not allowed", field: "/" + key.stringValue)
            }
        }
        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
            -> KeyedDecodingContainer<Nested>
        { throw Problem(.invalidField) }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            throw Problem(.invalidField)
        }
        func superDecoder() throws -> any Decoder { throw Problem(.invalidField) }
        func superDecoder(forKey key: Key) throws -> any Decoder { throw Problem(.invalidField) }
    }

    /// One value out of its text.
    private struct TextDecoder: Decoder, SingleValueDecodingContainer {
        let text: String
        var codingPath: [any CodingKey] { [] }
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
            throw Problem(.invalidField)
        }
        func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Problem(.invalidField) }
        func singleValueContainer() -> any SingleValueDecodingContainer { self }

        func decodeNil() -> Bool { false }
        func decode(_ type: String.Type) -> String { text }
        func decode(_ type: Bool.Type) throws -> Bool { try parse() }
        func decode(_ type: Int.Type) throws -> Int { try parse() }
        func decode(_ type: Int64.Type) throws -> Int64 { try parse() }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: self) }

        private func parse<Value: LosslessStringConvertible>() throws -> Value {
            guard let value = Value(text) else { throw Problem(.invalidField) }
            return value
        }
    }
}
