/// The text being written, and which brackets are open in it.
///
/// Containers of Codable have no end of their own: a container ends when an outer one is written to again. Each
/// container knows its place in `open`; writing to one that has ended is a programmer's error.
final class JSONOutput {
    struct Bracket {
        let number: Int
        let closing: UInt8
        var isEmpty = true
    }

    // One encoder writes at a time and no call of ours holds an access open while another begins: the run-time check of
    // that on every byte took a third of the encoding's time.
    @exclusivity(unchecked) private(set) var bytes: [UInt8] = []
    @exclusivity(unchecked) private(set) var open: [Bracket] = []
    @exclusivity(unchecked) private var opened = 0

    init() { bytes.reserveCapacity(512) }

    // MARK: Structure

    /// Opens an object or array inside whatever is open now and returns its number.
    func begin(_ opening: Character) -> Int {
        opened += 1
        let isObject = opening == "{"
        bytes.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
        open.append(Bracket(number: opened, closing: isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")))
        return opened
    }

    /// Closes everything deeper than `depth`.
    func close(to depth: Int) {
        while let bracket = open.last, open.count > depth {
            bytes.append(bracket.closing)
            open.removeLast()
        }
    }

    /// Makes the container at `depth` the innermost one and writes the comma that its next value needs.
    func next(in number: Int, depth: Int) {
        precondition(
            open.count >= depth && open[depth - 1].number == number, "a container was written to after it had ended")
        close(to: depth)
        if open[depth - 1].isEmpty { open[depth - 1].isEmpty = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    /// Writes a whole value; `depth` brackets are open around it.
    func write<Value: Encodable>(_ value: Value, depth: Int) throws {
        let before = bytes.count
        try value.encode(to: JSONValueEncoder(output: self, depth: depth, start: before))
        close(to: depth)
        if bytes.count == before { bytes.append(contentsOf: [UInt8(ascii: "{"), UInt8(ascii: "}")]) }
    }

    // MARK: Values

    func null() { bytes.append(contentsOf: [0x6E, 0x75, 0x6C, 0x6C]) }

    func write(_ value: Bool) {
        bytes.append(contentsOf: value ? [0x74, 0x72, 0x75, 0x65] : [0x66, 0x61, 0x6C, 0x73, 0x65])
    }

    func write(_ value: some FixedWidthInteger) {
        if value >= 0, value < 10 {
            bytes.append(0x30 + UInt8(value))
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    func write<Number: BinaryFloatingPoint & CustomStringConvertible>(_ value: Number) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value, EncodingError.Context(codingPath: [], debugDescription: "JSON has no such number"))
        }
        bytes.append(contentsOf: value.description.utf8)
    }

    func write(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        bytes.append(contentsOf: value.utf8)
        var index = start
        while index < bytes.count, !Self.needsEscape(bytes[index]) { index += 1 }
        if index < bytes.count {
            bytes.removeSubrange(start...)
            for byte in value.utf8 { writeEscaped(byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private func writeEscaped(_ byte: UInt8) {
        let backslash = UInt8(ascii: "\\")
        switch byte {
        case UInt8(ascii: "\""), backslash: bytes.append(contentsOf: [backslash, byte])
        case 0x0A: bytes.append(contentsOf: [backslash, UInt8(ascii: "n")])
        case 0x0D: bytes.append(contentsOf: [backslash, UInt8(ascii: "r")])
        case 0x09: bytes.append(contentsOf: [backslash, UInt8(ascii: "t")])
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: [
                backslash, UInt8(ascii: "u"), 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)],
            ])
        default: bytes.append(byte)
        }
    }

    func writeKey(_ key: String) {
        write(key)
        bytes.append(UInt8(ascii: ":"))
    }
}
