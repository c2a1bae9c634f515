import Testing

@testable import StrictJSON

private struct Item: Codable, Equatable {
    let name: String
    let count: Int
    let note: String?
}

private struct Order: Codable, Equatable {
    let id: String
    let items: [Item]
    let paid: Bool
}

private func read<Value: Decodable>(_ type: Value.Type, _ text: String, _ rules: StrictJSON.Rules = .publicAPI) throws
    -> Value
{
    try StrictJSON.decode(type, from: Array(text.utf8), rules: rules)
}

private func refusal<Value: Decodable>(_ type: Value.Type, _ text: String, _ rules: StrictJSON.Rules = .publicAPI)
    -> JSONError?
{
    do {
        _ = try StrictJSON.decode(type, from: Array(text.utf8), rules: rules)
        return nil
    } catch {
        return error
    }
}

@Suite("Reading")
struct ReadingTests {
    @Test("a document becomes the value that it says")
    func value() throws {
        let order = try read(
            Order.self, #" {"paid":true,"id":"a\u00e9\ud83d\ude00\n","items":[{"name":"名","count":-12,"note":null}]} "#)
        #expect(order == Order(id: "aé😀\n", items: [Item(name: "名", count: -12, note: nil)], paid: true))
    }

    @Test(
        "what RFC 8259 does not allow is refused",
        arguments: [
            "", " ", "{", "[1,]", #"{"a":1,}"#, "[1 2]", "01", "1.", ".5", "+1", "1e", "--1", "tru", "nul", "'a'",
            "[1]x",
            #"{"a" 1}"#, #"{a:1}"#, #""\x""#, #""\u12""#, "\"\u{01}\"", "\"a", "[", "]", "{\"a\":}", "NaN", "Infinity",
            "\u{FEFF}1",
        ])
    func malformed(_ text: String) {
        #expect(refusal([String: Int].self, text)?.reason == .malformed)
    }

    @Test(
        "lone surrogates are refused",
        arguments: [#""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\u0041""#, #""\ud800\ud800""#])
    func surrogates(_ text: String) {
        #expect(refusal(String.self, text)?.reason == .malformed)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0xE4, 0xB8], [0x80]]
            as [[UInt8]])
    func encoding(_ bytes: [UInt8]) {
        #expect(throws: JSONError.self) {
            try StrictJSON.decode(String.self, from: [0x22] + bytes + [0x22], rules: .publicAPI)
        }
    }

    @Test("a key that stands twice is refused, however it is written and however many there are")
    func duplicates() {
        #expect(refusal([String: Int].self, #"{"a":1,"a":2}"#)?.reason == .duplicateKey)
        #expect(refusal([String: Int].self, #"{"a":1,"\u0061":2}"#)?.reason == .duplicateKey)
        let many = (0..<40).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(refusal([String: Int].self, "{\(many)}") == nil)
        #expect(refusal([String: Int].self, "{\(many),\"k7\":1}")?.reason == .duplicateKey)
    }

    @Test("an error names the place by JSON Pointer")
    func paths() {
        let items = #"{"id":"x","paid":true,"items":[{"name":"a","count":1},{"name":"b","count":"2"}]}"#
        #expect(
            refusal(Order.self, items)
                == JSONError(reason: .wrongType, path: "/items/1/count", detail: "must be an integer"))
        #expect(refusal(Order.self, #"{"id":"x","items":[]}"#)?.path == "/paid")
        #expect(refusal([String: [Int]].self, #"{"a/b~c":[1,true]}"#)?.path == "/a~1b~0c/1")
    }

    @Test("a field that nobody asked for is refused at the public API and ignored between services")
    func unknownFields() throws {
        let text = #"{"name":"a","count":1,"extra":{"deep":[1]}}"#
        #expect(
            refusal(Item.self, text)
                == JSONError(reason: .unknownField, path: "/extra", detail: "is not a field of this request"))
        #expect(try read(Item.self, text, .services) == Item(name: "a", count: 1, note: nil))
        #expect(refusal([Item].self, "[\(text)]")?.path == "/0/extra")
    }

    @Test("numbers stay within their types", arguments: ["128", "-129", "1.0", "1e2", "99999999999999999999999"])
    func ranges(_ text: String) {
        #expect(refusal(Int8.self, text) != nil)
    }

    @Test("the ends of the integers are read exactly")
    func extremes() throws {
        #expect(try read(Int64.self, "-9223372036854775808") == .min)
        #expect(try read(UInt64.self, "18446744073709551615") == .max)
        #expect(try read(Double.self, "-1.5e-3") == -0.0015)
    }

    @Test("depth and size are bounded")
    func bounds() {
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(refusal([Int].self, deep)?.reason == .tooDeep)
        var rules = StrictJSON.Rules.publicAPI
        rules.maximumSize = 4
        #expect(refusal([Int].self, "[1,2]", rules)?.reason == .tooLarge)
    }

    @Test("no error repeats a value from the document")
    func silence() {
        enum Kind: String, Codable { case a }
        let error = refusal(Kind.self, #""110105194912310021""#)
        #expect(error != nil)
        #expect(error.map { !"\($0)".contains("1101051949") } == true)
    }
}
