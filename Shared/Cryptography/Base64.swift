/// Base 64 of RFC 4648, in its two alphabets. Decoding is strict: no foreign characters, no bits left over.
public enum Base64 {
    case standard
    /// With `-` and `_`, and without padding, as in JWS (RFC 7515).
    case url

    private var alphabet: [UInt8] {
        Array(
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + (self == .standard ? "+/" : "-_")).utf8)
    }

    public func encode(_ bytes: [UInt8]) -> String {
        let alphabet = alphabet
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let rest = min(3, bytes.count - index)
            let first = UInt32(bytes[index]) << 16
            let second = rest > 1 ? UInt32(bytes[index + 1]) << 8 : 0
            let group = first | second | (rest > 2 ? UInt32(bytes[index + 2]) : 0)
            for position in 0...rest { text.append(alphabet[Int(group >> (18 - 6 * UInt32(position)) & 63)]) }
            if self == .standard { for _ in rest..<3 { text.append(UInt8(ascii: "=")) } }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// nil unless `text` is exactly what ``encode(_:)`` would give for some bytes.
    public func decode(_ text: String) -> [UInt8]? {
        var characters = Array(text.utf8)
        if self == .standard {
            guard characters.count.isMultiple(of: 4) else { return nil }
            for _ in 0..<2 where characters.last == UInt8(ascii: "=") { characters.removeLast() }
        }
        guard characters.count % 4 != 1 else { return nil }
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count * 3 / 4)
        var group: UInt32 = 0
        var bits = 0
        for character in characters {
            let value = values[Int(character)]
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(group >> UInt32(bits) & 255))
            }
        }
        guard group & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return bytes
    }
}
