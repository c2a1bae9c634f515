/// The `Decoder` of one value.
struct JSONValueDecoder: Decoder, SingleValueDecodingContainer {
    let document: JSONDocument
    let node: Int

    /// Paths are found when an error needs one, see ``JSONDocument``.
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard document.nodes[node].kind == .object else { throw document.wrongType(node, "an object") }
        return KeyedDecodingContainer(JSONKeyedReader(document: document, node: node))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard document.nodes[node].kind == .array else { throw document.wrongType(node, "an array") }
        return JSONUnkeyedReader(document: document, node: node)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { document.isNull(node) }
    func decode(_ type: Bool.Type) throws -> Bool { try document.bool(node) }
    func decode(_ type: String.Type) throws -> String { try document.string(node) }
    func decode(_ type: Double.Type) throws -> Double { try document.float(node) }
    func decode(_ type: Float.Type) throws -> Float { try document.float(node) }
    func decode(_ type: Int.Type) throws -> Int { try document.integer(node) }
    func decode(_ type: Int8.Type) throws -> Int8 { try document.integer(node) }
    func decode(_ type: Int16.Type) throws -> Int16 { try document.integer(node) }
    func decode(_ type: Int32.Type) throws -> Int32 { try document.integer(node) }
    func decode(_ type: Int64.Type) throws -> Int64 { try document.integer(node) }
    func decode(_ type: UInt.Type) throws -> UInt { try document.integer(node) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try document.integer(node) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try document.integer(node) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try document.integer(node) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try document.integer(node) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try document.decode(type, at: node) }
}

struct JSONKeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let document: JSONDocument
    let node: Int

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { document.keys(of: node) }

    private func require(_ key: some CodingKey) throws(JSONError) -> Int {
        guard let value = document.member(key, of: node) else { throw document.missing(key, in: node) }
        return value
    }

    func contains(_ key: Key) -> Bool { document.member(key, of: node) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { document.isNull(try require(key)) }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try document.bool(require(key)) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try document.string(require(key)) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try document.float(require(key)) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try document.float(require(key)) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try document.integer(require(key)) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try document.integer(require(key)) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try document.integer(require(key)) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try document.integer(require(key)) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try document.integer(require(key)) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try document.integer(require(key)) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try document.integer(require(key)) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try document.integer(require(key)) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try document.integer(require(key)) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try document.integer(require(key)) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try document.decode(type, at: require(key))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try JSONValueDecoder(document: document, node: require(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try JSONValueDecoder(document: document, node: require(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        JSONValueDecoder(document: document, node: try require(SuperKey()))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        JSONValueDecoder(document: document, node: try require(key))
    }
}

/// The key under which a subclass keeps what its superclass codes.
struct SuperKey: CodingKey {
    let stringValue = "super"
    let intValue: Int? = nil
    init() {}
    init?(stringValue: String) { guard stringValue == "super" else { return nil } }
    init?(intValue: Int) { nil }
}

struct JSONUnkeyedReader: UnkeyedDecodingContainer {
    let document: JSONDocument
    let node: Int
    private(set) var currentIndex = 0
    private var nextNode: Int

    init(document: JSONDocument, node: Int) {
        self.document = document
        self.node = node
        nextNode = node + 1
    }

    var codingPath: [any CodingKey] { [] }
    var count: Int? { Int(document.nodes[node].count) }
    var isAtEnd: Bool { currentIndex == Int(document.nodes[node].count) }

    private func element() throws(JSONError) -> Int {
        guard !isAtEnd else { throw document.error(.missingField, at: node, "has too few elements") }
        return nextNode
    }

    private mutating func advance<Value>(_ read: (JSONDocument, Int) throws -> Value) throws -> Value {
        let element = try element()
        let value = try read(document, element)
        nextNode = Int(document.nodes[element].next)
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard document.isNull(try element()) else { return false }
        return try advance { _, _ in true }
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try advance { try $0.bool($1) } }
    mutating func decode(_ type: String.Type) throws -> String { try advance { try $0.string($1) } }
    mutating func decode(_ type: Double.Type) throws -> Double { try advance { try $0.float($1) } }
    mutating func decode(_ type: Float.Type) throws -> Float { try advance { try $0.float($1) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try advance { try $0.integer($1) } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try advance { try $0.integer($1) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try advance { try $0.integer($1) } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try advance { try $0.integer($1) } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try advance { try $0.integer($1) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try advance { try $0.integer($1) } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try advance { try $0.integer($1) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try advance { try $0.integer($1) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try advance { try $0.integer($1) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try advance { try $0.integer($1) } }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try advance { try $0.decode(type, at: $1) }
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try advance { try JSONValueDecoder(document: $0, node: $1).container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try advance { try JSONValueDecoder(document: $0, node: $1).unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder {
        try advance { JSONValueDecoder(document: $0, node: $1) }
    }
}
