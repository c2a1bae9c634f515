/// A parsed document that containers read from. Shared by reference so that a container costs one allocation and a key
/// none.
final class JSONDocument {
    let bytes: [UInt8]
    // Read and marked by one decoder, never while another access is open; the run-time check costs more than the access.
    @exclusivity(unchecked) var nodes: [JSONNode]

    init(_ bytes: [UInt8], rules: StrictJSON.Rules) throws(JSONError) {
        var parser = JSONParser(bytes, rules: rules)
        try parser.parse()
        self.bytes = bytes
        nodes = parser.nodes
    }

    // MARK: Values

    func decode<Value: Decodable>(_ type: Value.Type, at node: Int) throws(JSONError) -> Value {
        do {
            return try Value(from: JSONValueDecoder(document: self, node: node))
        } catch let error as JSONError {
            throw error
        } catch let error as DecodingError {
            throw self.error(.invalidValue, at: node, Self.detail(of: error))
        } catch {
            throw self.error(.invalidValue, at: node, "has a value that is not allowed")
        }
    }

    /// The standard library quotes the refused value, which may be personal; types of ours say what they want instead.
    private static func detail(of error: DecodingError) -> String {
        guard case .dataCorrupted(let context) = error, !context.debugDescription.hasPrefix("Cannot initialize") else {
            return "has a value that is not allowed"
        }
        return context.debugDescription
    }

    func isNull(_ node: Int) -> Bool { nodes[node].kind == .null }

    func bool(_ node: Int) throws(JSONError) -> Bool {
        switch nodes[node].kind {
        case .yes: return true
        case .no: return false
        case .object, .array, .string, .number, .null: throw wrongType(node, "true or false")
        }
    }

    func string(_ node: Int) throws(JSONError) -> String {
        guard nodes[node].kind == .string else { throw wrongType(node, "a string") }
        return Self.text(of: nodes[node], in: bytes)
    }

    func integer<Integer: FixedWidthInteger>(_ node: Int) throws(JSONError) -> Integer {
        let found = nodes[node]
        guard found.kind == .number else { throw wrongType(node, "an integer") }
        var index = Int(found.start)
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var value: Integer = 0
        while index < Int(found.end) {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { throw wrongType(node, "an integer") }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) =
                isNegative
                ? product.subtractingReportingOverflow(Integer(digit))
                : product.addingReportingOverflow(Integer(digit))
            guard !overflow, !overflows else { throw error(.invalidValue, at: node, "is out of range") }
            value = sum
            index += 1
        }
        return value
    }

    func float<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ node: Int) throws(JSONError) -> Number {
        let found = nodes[node]
        guard found.kind == .number else { throw wrongType(node, "a number") }
        let text = String(decoding: bytes[Int(found.start)..<Int(found.end)], as: UTF8.self)
        guard let number = Number(text), number.isFinite else {
            throw error(.invalidValue, at: node, "is out of range")
        }
        return number
    }

    static func text(of node: JSONNode, in bytes: [UInt8]) -> String {
        let raw = bytes[Int(node.start)..<Int(node.end)]
        guard node.isEscaped else { return String(decoding: raw, as: UTF8.self) }
        var plain: [UInt8] = []
        plain.reserveCapacity(raw.count)
        var index = raw.startIndex
        while index < raw.endIndex {
            guard raw[index] == UInt8(ascii: "\\") else {
                plain.append(raw[index])
                index += 1
                continue
            }
            let kind = raw[index + 1]
            index += 2
            switch kind {
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0C)
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = UInt32(JSONParser.hex(bytes, index) ?? 0xFFFD)
                index += 4
                if scalar & 0xFC00 == 0xD800 {
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + UInt32((JSONParser.hex(bytes, index + 2) ?? 0) & 0x3FF)
                    index += 6
                }
                plain.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
            default: plain.append(kind)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    // MARK: Members

    /// The value node of `key`, marked as read; nil when the object lacks it.
    func member(_ key: some CodingKey, of object: Int) -> Int? {
        let node = nodes[object]
        guard node.count > 0 else { return nil }
        let name = key.stringValue
        var index = Int(node.cursor)
        for _ in 0..<node.count {
            if matches(index, name) {
                nodes[object].cursor = Int32(index)
                nodes[index].isRead = true
                return index + 1
            }
            index = Int(nodes[index + 1].next)
            if index == Int(node.next) { index = object + 1 }
        }
        return nil
    }

    private func matches(_ key: Int, _ name: String) -> Bool {
        let node = nodes[key]
        if node.isEscaped { return Self.text(of: node, in: bytes) == name }
        guard name.utf8.count == Int(node.end - node.start) else { return false }
        var index = Int(node.start)
        for byte in name.utf8 {
            guard bytes[index] == byte else { return false }
            index += 1
        }
        return true
    }

    /// All keys that `Key` knows; they count as read.
    func keys<Key: CodingKey>(of object: Int) -> [Key] {
        var keys: [Key] = []
        var index = object + 1
        while index < Int(nodes[object].next) {
            if let key = Key(stringValue: Self.text(of: nodes[index], in: bytes)) {
                nodes[index].isRead = true
                keys.append(key)
            }
            index = Int(nodes[index + 1].next)
        }
        return keys
    }

    /// - Throws: ``JSONError/Reason/unknownField`` for the first key that nobody asked for.
    func refuseUnreadFields() throws(JSONError) {
        var index = 0
        while index < nodes.count {
            if nodes[index].kind == .object {
                var key = index + 1
                while key < Int(nodes[index].next) {
                    if !nodes[key].isRead { throw error(.unknownField, at: key + 1, "is not a field of this request") }
                    key = Int(nodes[key + 1].next)
                }
            }
            index += 1
        }
    }

    // MARK: Errors

    func error(_ reason: JSONError.Reason, at node: Int, _ detail: String) -> JSONError {
        JSONError(reason: reason, path: path(of: node), detail: detail)
    }

    func missing(_ key: some CodingKey, in object: Int) -> JSONError {
        JSONError(
            reason: .missingField, path: path(of: object) + "/" + Self.pointerToken(key.stringValue),
            detail: "is missing")
    }

    func wrongType(_ node: Int, _ wanted: String) -> JSONError {
        error(.wrongType, at: node, "must be \(wanted)")
    }

    /// JSON Pointer, found by walking down from the root: paths are needed for errors only.
    private func path(of target: Int) -> String {
        var path = ""
        var node = 0
        while node != target {
            let isObject = nodes[node].kind == .object
            guard isObject || nodes[node].kind == .array else { break }
            var child = node + 1
            var position = 0
            while child < Int(nodes[node].next) {
                let value = isObject ? child + 1 : child
                if target < Int(nodes[value].next) {
                    path += "/" + (isObject ? Self.pointerToken(Self.text(of: nodes[child], in: bytes)) : "\(position)")
                    node = value
                    break
                }
                child = Int(nodes[value].next)
                position += 1
            }
            if child >= Int(nodes[node].next), node != target { break }
        }
        return path
    }

    private static func pointerToken(_ key: String) -> String {
        guard key.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return key }
        return key.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
    }
}
