/// One value of a document in the order of its text. An object's node is followed by key and value nodes in turn.
struct JSONNode {
    enum Kind: UInt8 { case object, array, string, number, yes, no, null }

    var kind: Kind
    /// A string with escape sequences in it.
    var isEscaped = false
    /// A key that somebody asked for.
    var isRead = false
    /// Bytes of the text, without the quotes of a string.
    var start: Int32
    var end: Int32
    /// Index of the node behind this one and all that is in it.
    var next: Int32
    /// Members or elements.
    var count: Int32 = 0
    /// In an object: the key found last, where the next search begins, because fields are read in the order in which
    /// they are written.
    var cursor: Int32 = 0
}

/// Turns text into nodes in one pass, checking the whole grammar.
struct JSONParser {
    let bytes: [UInt8]
    let rules: StrictJSON.Rules
    var nodes: [JSONNode] = []
    private var at = 0
    private var depth = 0

    /// Objects with more keys than this look for duplicates by sorting instead of pair by pair.
    private static let fewKeys = 16

    init(_ bytes: [UInt8], rules: StrictJSON.Rules) {
        self.bytes = bytes
        self.rules = rules
    }

    mutating func parse() throws(JSONError) {
        guard bytes.count <= rules.maximumSize else {
            throw JSONError(reason: .tooLarge, path: "", detail: "more than \(rules.maximumSize) bytes")
        }
        nodes.reserveCapacity(min(64, bytes.count / 8 + 4))
        skipSpace()
        try value()
        skipSpace()
        guard at == bytes.count else { throw malformed("text behind the document") }
    }

    private func malformed(_ detail: String) -> JSONError {
        JSONError(reason: .malformed, path: "", detail: "\(detail) at byte \(at)")
    }

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    private mutating func value() throws(JSONError) {
        guard at < bytes.count else { throw malformed("the document ends early") }
        switch bytes[at] {
        case UInt8(ascii: "{"): try object()
        case UInt8(ascii: "["): try array()
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try literal("true", .yes)
        case UInt8(ascii: "f"): try literal("false", .no)
        case UInt8(ascii: "n"): try literal("null", .null)
        default: throw malformed("unexpected character")
        }
    }

    private mutating func open(_ kind: JSONNode.Kind) throws(JSONError) -> Int {
        depth += 1
        guard depth <= rules.maximumDepth else {
            throw JSONError(reason: .tooDeep, path: "", detail: "nested deeper than \(rules.maximumDepth)")
        }
        nodes.append(JSONNode(kind: kind, start: Int32(at), end: 0, next: 0))
        at += 1
        skipSpace()
        return nodes.count - 1
    }

    private mutating func close(_ node: Int, count: Int32) {
        at += 1
        depth -= 1
        nodes[node].end = Int32(at)
        nodes[node].next = Int32(nodes.count)
        nodes[node].count = count
        nodes[node].cursor = Int32(node + 1)
    }

    private mutating func object() throws(JSONError) {
        let node = try open(.object)
        var count: Int32 = 0
        if at < bytes.count, bytes[at] == UInt8(ascii: "}") { return close(node, count: 0) }
        while true {
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw malformed("a key is due") }
            try string()
            count += 1
            try refuseDuplicate(of: nodes.count - 1, in: node, count: count)
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { throw malformed("a colon is due") }
            at += 1
            skipSpace()
            try value()
            skipSpace()
            guard at < bytes.count else { throw malformed("the document ends early") }
            if bytes[at] == UInt8(ascii: "}") { break }
            guard bytes[at] == UInt8(ascii: ",") else { throw malformed("a comma or } is due") }
            at += 1
            skipSpace()
        }
        close(node, count: count)
        if count > Int32(Self.fewKeys) { try refuseDuplicates(in: node) }
    }

    private mutating func array() throws(JSONError) {
        let node = try open(.array)
        var count: Int32 = 0
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") { return close(node, count: 0) }
        while true {
            try value()
            count += 1
            skipSpace()
            guard at < bytes.count else { throw malformed("the document ends early") }
            if bytes[at] == UInt8(ascii: "]") { break }
            guard bytes[at] == UInt8(ascii: ",") else { throw malformed("a comma or ] is due") }
            at += 1
            skipSpace()
        }
        close(node, count: count)
    }

    private mutating func literal(_ text: StaticString, _ kind: JSONNode.Kind) throws(JSONError) {
        let start = at
        for byte in text.description.utf8 {
            guard at < bytes.count, bytes[at] == byte else { throw malformed("unexpected character") }
            at += 1
        }
        append(kind, from: start, to: at)
    }

    private mutating func append(_ kind: JSONNode.Kind, from start: Int, to end: Int, isEscaped: Bool = false) {
        nodes.append(
            JSONNode(
                kind: kind, isEscaped: isEscaped, start: Int32(start), end: Int32(end), next: Int32(nodes.count + 1)))
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
        guard at > start else { throw malformed("a digit is due") }
    }

    private mutating func number() throws(JSONError) {
        let start = at
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if at < bytes.count, bytes[at] &- 0x30 < 10 { throw malformed("a leading zero") }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        append(.number, from: start, to: at)
    }

    private mutating func string() throws(JSONError) {
        at += 1
        let start = at
        var isEscaped = false
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                append(.string, from: start, to: at, isEscaped: isEscaped)
                at += 1
                return
            }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                try escape()
            } else if byte >= 0x80 {
                try multibyte(byte)
            } else if byte < 0x20 {
                throw malformed("a bare control character")
            } else {
                at += 1
            }
        }
        throw malformed("the document ends early")
    }

    /// Checks one escape sequence; a high surrogate must be followed by a low one.
    private mutating func escape() throws(JSONError) {
        guard at + 1 < bytes.count else { throw malformed("the document ends early") }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            guard let unit = Self.hex(bytes, at + 2) else { throw malformed("four hexadecimal digits are due") }
            if unit & 0xF800 == 0xD800 {
                guard unit < 0xDC00, at + 7 < bytes.count, bytes[at + 6] == UInt8(ascii: "\\"),
                    bytes[at + 7] == UInt8(ascii: "u"), let low = Self.hex(bytes, at + 8), low & 0xFC00 == 0xDC00
                else { throw malformed("a lone surrogate") }
                at += 6
            }
            at += 6
        default: throw malformed("an unknown escape")
        }
    }

    static func hex(_ bytes: [UInt8], _ start: Int) -> UInt16? {
        guard start + 4 <= bytes.count else { return nil }
        var unit: UInt16 = 0
        for byte in bytes[start..<start + 4] {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// Well-formed UTF-8 only (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
    private mutating func multibyte(_ lead: UInt8) throws(JSONError) {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if lead == 0xE0 { second = 0xA0...0xBF } else if lead == 0xED { second = 0x80...0x9F }
        case 0xF0...0xF4:
            length = 4
            if lead == 0xF0 { second = 0x90...0xBF } else if lead == 0xF4 { second = 0x80...0x8F }
        default: throw malformed("bytes that are not UTF-8")
        }
        guard at + length <= bytes.count, second.contains(bytes[at + 1]) else {
            throw malformed("bytes that are not UTF-8")
        }
        for offset in 2..<max(2, length) where bytes[at + offset] & 0xC0 != 0x80 {
            throw malformed("bytes that are not UTF-8")
        }
        at += length
    }

    // MARK: Duplicate keys

    private func refuseDuplicate(of key: Int, in object: Int, count: Int32) throws(JSONError) {
        guard count <= Int32(Self.fewKeys) else { return }
        let new = nodes[key]
        var index = object + 1
        while index < key {
            let old = nodes[index]
            if new.isEscaped || old.isEscaped {
                if text(of: new) == text(of: old) { throw duplicate(new) }
            } else if new.end - new.start == old.end - old.start, sameBytes(new, old) {
                throw duplicate(new)
            }
            index = Int(nodes[index + 1].next)
        }
    }

    private func refuseDuplicates(in object: Int) throws(JSONError) {
        var keys: [JSONNode] = []
        keys.reserveCapacity(Int(nodes[object].count))
        var hasEscapes = false
        var index = object + 1
        while index < Int(nodes[object].next) {
            keys.append(nodes[index])
            hasEscapes = hasEscapes || nodes[index].isEscaped
            index = Int(nodes[index + 1].next)
        }
        if hasEscapes {
            var seen = Set<String>()
            for key in keys where !seen.insert(text(of: key)).inserted { throw duplicate(key) }
        } else {
            // Sorted by length and bytes, equal keys are neighbours, and no key costs an allocation.
            keys.sort(by: isBefore)
            for (left, right) in zip(keys, keys.dropFirst()) where !isBefore(left, right) {
                throw duplicate(left.start < right.start ? right : left)
            }
        }
    }

    private func isBefore(_ left: JSONNode, _ right: JSONNode) -> Bool {
        let (length, other) = (left.end - left.start, right.end - right.start)
        guard length == other else { return length < other }
        for offset in 0..<Int(length) {
            let (byte, otherByte) = (bytes[Int(left.start) + offset], bytes[Int(right.start) + offset])
            if byte != otherByte { return byte < otherByte }
        }
        return false
    }

    private func sameBytes(_ left: JSONNode, _ right: JSONNode) -> Bool {
        let shift = Int(right.start - left.start)
        for index in Int(left.start)..<Int(left.end) where bytes[index] != bytes[index + shift] { return false }
        return true
    }

    private func duplicate(_ key: JSONNode) -> JSONError {
        JSONError(reason: .duplicateKey, path: "", detail: "a key stands twice at byte \(key.start)")
    }

    private func text(of node: JSONNode) -> String {
        JSONDocument.text(of: node, in: bytes)
    }
}
