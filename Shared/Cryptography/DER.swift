/// Why bytes are not the DER (X.690, 10) that was expected.
struct DERError: Error, Equatable {
    let detail: String
}

/// One value of DER: its tag, what is inside, and its own bytes.
struct DERValue: Sendable, Equatable {
    let tag: UInt8
    let content: ArraySlice<UInt8>
    let whole: ArraySlice<UInt8>

    var isConstructed: Bool { tag & 0x20 != 0 }

    func reader() -> DERReader { DERReader(content) }

    /// Dotted text of an object identifier.
    func objectIdentifier() throws(DERError) -> String {
        guard let last = content.last, last & 0x80 == 0 else {
            throw DERError(detail: "an object identifier ends early")
        }
        var arcs: [UInt64] = []
        var arc: UInt64 = 0
        for byte in content {
            guard arc < 1 << 56, !(arc == 0 && byte == 0x80) else {
                throw DERError(detail: "an arc of an object identifier is not allowed")
            }
            arc = arc << 7 | UInt64(byte & 0x7F)
            guard byte & 0x80 == 0 else { continue }
            if arcs.isEmpty {
                let root = min(arc / 40, 2)
                arcs = [root, arc - root * 40]
            } else {
                arcs.append(arc)
            }
            arc = 0
        }
        return arcs.map(String.init).joined(separator: ".")
    }

    func boolean() throws(DERError) -> Bool {
        guard content.count == 1, let byte = content.first, byte == 0 || byte == 0xFF else {
            throw DERError(detail: "a truth value is 00 or FF")
        }
        return byte == 0xFF
    }

    /// An integer in its shortest form that is not negative and fits.
    func smallInteger() throws(DERError) -> Int {
        try requireShortestInteger()
        guard content.count <= 8, let first = content.first, first & 0x80 == 0 else {
            throw DERError(detail: "an integer is negative or too large")
        }
        return content.reduce(0) { $0 << 8 | Int($1) }
    }

    func requireShortestInteger() throws(DERError) {
        guard let first = content.first else { throw DERError(detail: "an integer without bytes") }
        guard content.count > 1 else { return }
        let second = content[content.startIndex + 1]
        guard !(first == 0 && second & 0x80 == 0), !(first == 0xFF && second & 0x80 != 0) else {
            throw DERError(detail: "an integer has bytes to spare")
        }
    }

    /// Bytes of a bit string that has no unused bits.
    func octetAlignedBits() throws(DERError) -> ArraySlice<UInt8> {
        guard content.first == 0 else { throw DERError(detail: "a bit string ends inside a byte") }
        return content.dropFirst()
    }

    /// A bit string as flags: bit 0 is the first.
    func flags() throws(DERError) -> Set<Int> {
        guard let unused = content.first, unused < 8, content.count > 1 || unused == 0 else {
            throw DERError(detail: "a bit string is malformed")
        }
        var flags: Set<Int> = []
        for (index, byte) in content.dropFirst().enumerated() {
            for bit in 0..<8 where byte & (0x80 >> bit) != 0 { flags.insert(index * 8 + bit) }
        }
        // Named bits end with a set one (X.690, 11.2.2).
        let bits = (content.count - 1) * 8 - Int(unused)
        guard bits == 0 || flags.contains(bits - 1), !flags.contains(where: { $0 >= bits }) else {
            throw DERError(detail: "a bit string has bits to spare")
        }
        return flags
    }
}

/// Reads DER values one behind another. Strict: shortest lengths only, no indefinite ones, no tags above 30.
struct DERReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func next() throws(DERError) -> DERValue {
        let start = rest.startIndex
        guard rest.count >= 2 else { throw DERError(detail: "the bytes end early") }
        let tag = rest[start]
        guard tag & 0x1F != 0x1F else { throw DERError(detail: "a tag of several bytes") }
        var length = Int(rest[start + 1])
        var header = 2
        if length >= 0x80 {
            let count = length & 0x7F
            guard (1...4).contains(count), rest.count >= 2 + count else {
                throw DERError(detail: "a length is malformed")
            }
            length = rest[start + 2..<start + 2 + count].reduce(0) { $0 << 8 | Int($1) }
            guard length >= 0x80, rest[start + 2] != 0 else {
                throw DERError(detail: "a length is longer than it need be")
            }
            header += count
        }
        guard rest.count - header >= length else { throw DERError(detail: "the bytes end early") }
        let end = start + header + length
        let value = DERValue(tag: tag, content: rest[start + header..<end], whole: rest[start..<end])
        rest = rest[end...]
        return value
    }

    mutating func next(_ tag: UInt8) throws(DERError) -> DERValue {
        guard rest.first == tag else { throw DERError(detail: "another kind of value is due") }
        return try next()
    }

    mutating func optional(_ tag: UInt8) throws(DERError) -> DERValue? {
        guard rest.first == tag else { return nil }
        return try next()
    }

    func finish() throws(DERError) {
        guard rest.isEmpty else { throw DERError(detail: "bytes behind the value") }
    }

    /// The only value in `bytes`.
    static func only(_ tag: UInt8, in bytes: ArraySlice<UInt8>) throws(DERError) -> DERValue {
        var reader = DERReader(bytes)
        let value = try reader.next(tag)
        try reader.finish()
        return value
    }

    /// The values inside a sequence or set that is all of `bytes`.
    static func elements(_ tag: UInt8, in bytes: ArraySlice<UInt8>) throws(DERError) -> [DERValue] {
        try all(in: only(tag, in: bytes).content)
    }

    static func all(in bytes: ArraySlice<UInt8>) throws(DERError) -> [DERValue] {
        var reader = DERReader(bytes)
        var values: [DERValue] = []
        while !reader.isAtEnd { values.append(try reader.next()) }
        return values
    }
}

/// Universal tags as they stand in certificates.
enum DERTag {
    static let boolean: UInt8 = 0x01
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let null: UInt8 = 0x05
    static let objectIdentifier: UInt8 = 0x06
    static let enumerated: UInt8 = 0x0A
    static let utf8String: UInt8 = 0x0C
    static let utcTime: UInt8 = 0x17
    static let generalizedTime: UInt8 = 0x18
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31

    /// `[number]`, constructed.
    static func context(_ number: UInt8) -> UInt8 { 0xA0 | number }
    /// `[number]`, primitive.
    static func primitive(_ number: UInt8) -> UInt8 { 0x80 | number }
}

/// One value in DER around its contents.
func derValue(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
    let count = parts.reduce(0) { $0 + $1.count }
    var bytes = [tag]
    if count < 0x80 {
        bytes.append(UInt8(count))
    } else {
        let length = withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0.drop { $0 == 0 }) }
        bytes += [0x80 | UInt8(length.count)] + length
    }
    for part in parts { bytes += part }
    return bytes
}

/// An object identifier in DER from its dotted text.
func derObjectIdentifier(_ text: String) -> [UInt8] {
    let arcs = text.split(separator: ".").compactMap { UInt64($0) }
    precondition(arcs.count >= 2, "an object identifier has two arcs or more")
    var content: [UInt8] = []
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2...] {
        var groups = [UInt8(arc & 0x7F)]
        var rest = arc >> 7
        while rest > 0 {
            groups.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
            rest >>= 7
        }
        content += groups
    }
    return derValue(DERTag.objectIdentifier, content)
}
