import Foundation
import StrictJSON
import Testing

/// Everything that the contracts use: keyed, unkeyed, single values, nested, optionals, enums with payloads, classes.
private indirect enum Shape: Codable, Equatable {
    case point
    case circle(radius: Double)
    case named(String, Shape)
    case group([Shape])
}

private struct Document: Codable, Equatable {
    let text: String
    let integer: Int64
    let unsigned: UInt32
    let float: Double
    let flag: Bool
    let missing: String?
    let list: [Int]
    let matrix: [[String]]
    let table: [String: Int]
    let shapes: [Shape]
    let children: [Document]
}

/// Reproducible chance.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

private let words = ["", "a", "保函", "\"\\/\n\t\u{01}", "😀", "e\u{301}", "\u{2028}", "key with space", "€uro", "null"]

private func shape(_ depth: Int, _ chance: inout Generator) -> Shape {
    switch Int.random(in: 0..<(depth > 0 ? 4 : 2), using: &chance) {
    case 0: .point
    case 1: .circle(radius: Double.random(in: -1e6...1e6, using: &chance))
    case 2: .named(words.randomElement(using: &chance) ?? "", shape(depth - 1, &chance))
    default: .group((0..<Int.random(in: 0...2, using: &chance)).map { _ in shape(depth - 1, &chance) })
    }
}

private func document(_ depth: Int, _ chance: inout Generator) -> Document {
    var word: String { words.randomElement(using: &chance) ?? "" }
    func few<Value>(_ make: (inout Generator) -> Value, _ chance: inout Generator) -> [Value] {
        (0..<Int.random(in: 0...3, using: &chance)).map { _ in make(&chance) }
    }
    let table = few(
        { chance in (words.randomElement(using: &chance) ?? "", Int.random(in: -9...9, using: &chance)) }, &chance)
    return Document(
        text: word, integer: Int64.random(in: .min ... .max, using: &chance),
        unsigned: UInt32.random(in: 0 ... .max, using: &chance),
        float: Double.random(in: -1e9...1e9, using: &chance), flag: Bool.random(using: &chance),
        missing: Bool.random(using: &chance) ? nil : word, list: few({ Int.random(in: -5...5, using: &$0) }, &chance),
        matrix: few({ few({ words.randomElement(using: &$0) ?? "" }, &$0) }, &chance),
        table: Dictionary(table) { first, _ in first }, shapes: few({ shape(2, &$0) }, &chance),
        children: depth > 0 ? few({ document(depth - 1, &$0) }, &chance) : [])
}

@Suite("Writing")
struct WritingTests {
    @Test("100,000 random documents mean the same to Foundation, both ways")
    func foundation() throws {
        var chance = Generator(state: 20_261_123)
        let (decoder, encoder) = (JSONDecoder(), JSONEncoder())
        for round in 0..<100_000 {
            let value = document(0, &chance)
            let ours = try StrictJSON.encode(value)
            #expect(try StrictJSON.decode(Document.self, from: ours, rules: .publicAPI) == value)
            // Foundation is ten times slower in a debug build than the rest of this test, so it sees one in five.
            guard round % 5 == 0 else { continue }
            #expect(try decoder.decode(Document.self, from: Data(ours)) == value)
            #expect(
                try StrictJSON.decode(Document.self, from: [UInt8](encoder.encode(value)), rules: .publicAPI) == value)
        }
    }

    @Test("nested documents mean the same to Foundation, both ways")
    func nested() throws {
        var chance = Generator(state: 7)
        for _ in 0..<500 {
            let value = document(2, &chance)
            let ours = try StrictJSON.encode(value)
            #expect(try JSONDecoder().decode(Document.self, from: Data(ours)) == value)
            #expect(
                try StrictJSON.decode(Document.self, from: [UInt8](JSONEncoder().encode(value)), rules: .publicAPI)
                    == value)
        }
    }

    @Test("a class and its superclass write into one object or under super")
    func inheritance() throws {
        class Base: Codable { var a = 1 }
        final class Derived: Base {
            var b = 2
            enum Keys: CodingKey { case b }
            override func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Keys.self)
                try container.encode(b, forKey: .b)
                try super.encode(to: container.superEncoder())
            }
            override init() { super.init() }
            required init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                b = try container.decode(Int.self, forKey: .b)
                try super.init(from: container.superDecoder())
            }
        }
        let text = try StrictJSON.encode(Derived())
        #expect(String(decoding: text, as: UTF8.self) == #"{"b":2,"super":{"a":1}}"#)
        #expect(try StrictJSON.decode(Derived.self, from: text).a == 1)
    }

    @Test("empty containers and values without any stay what they are")
    func empty() throws {
        struct Nothing: Codable {}
        #expect(try StrictJSON.encode(Nothing()) == Array("{}".utf8))
        #expect(try StrictJSON.encode([Nothing(), Nothing()]) == Array("[{},{}]".utf8))
        #expect(try StrictJSON.encode([[Int]]()) == Array("[]".utf8))
        #expect(try StrictJSON.encode(["a": [Int]()]) == Array(#"{"a":[]}"#.utf8))
        #expect(try StrictJSON.encode([Int?.none, 1]) == Array("[null,1]".utf8))
    }

    @Test("JSON has no infinity")
    func infinity() {
        #expect(throws: EncodingError.self) { try StrictJSON.encode([Double.infinity]) }
    }
}
