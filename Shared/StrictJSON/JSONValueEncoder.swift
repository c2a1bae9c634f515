/// The `Encoder` of one value.
struct JSONValueEncoder: Encoder, SingleValueEncodingContainer {
    let output: JSONOutput
    /// Brackets that are open around the value.
    let depth: Int
    /// Length of the output before the value, to see whether a container was already opened for it.
    let start: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// A type may ask for its container twice (a class and its superclass) and then writes on in the same one.
    private func container(_ opening: Character) -> Int {
        if output.bytes.count > start, output.open.count > depth { return output.open[depth].number }
        return output.begin(opening)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(JSONKeyedWriter(output: output, number: container("{"), depth: depth + 1))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        JSONUnkeyedWriter(output: output, number: container("["), depth: depth + 1)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { output.null() }
    func encode(_ value: Bool) { output.write(value) }
    func encode(_ value: String) { output.write(value) }
    func encode(_ value: Double) throws { try output.write(value) }
    func encode(_ value: Float) throws { try output.write(value) }
    func encode(_ value: Int) { output.write(value) }
    func encode(_ value: Int8) { output.write(value) }
    func encode(_ value: Int16) { output.write(value) }
    func encode(_ value: Int32) { output.write(value) }
    func encode(_ value: Int64) { output.write(value) }
    func encode(_ value: UInt) { output.write(value) }
    func encode(_ value: UInt8) { output.write(value) }
    func encode(_ value: UInt16) { output.write(value) }
    func encode(_ value: UInt32) { output.write(value) }
    func encode(_ value: UInt64) { output.write(value) }
    func encode<Value: Encodable>(_ value: Value) throws { try output.write(value, depth: depth) }
}

struct JSONKeyedWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: JSONOutput
    let number: Int
    let depth: Int

    var codingPath: [any CodingKey] { [] }

    private func key(_ key: some CodingKey) {
        output.next(in: number, depth: depth)
        output.writeKey(key.stringValue)
    }

    func encodeNil(forKey key: Key) {
        self.key(key)
        output.null()
    }

    func encode(_ value: Bool, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: String, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: Double, forKey key: Key) throws { self.key(key); try output.write(value) }
    func encode(_ value: Float, forKey key: Key) throws { self.key(key); try output.write(value) }
    func encode(_ value: Int, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: Int8, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: Int16, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: Int32, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: Int64, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: UInt, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: UInt8, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: UInt16, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: UInt32, forKey key: Key) { self.key(key); output.write(value) }
    func encode(_ value: UInt64, forKey key: Key) { self.key(key); output.write(value) }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        self.key(key)
        try output.write(value, depth: depth)
    }

    private func nested(_ key: some CodingKey) -> JSONValueEncoder {
        self.key(key)
        return JSONValueEncoder(output: output, depth: depth, start: output.bytes.count)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nested(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { nested(SuperKey()) }
    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }
}

struct JSONUnkeyedWriter: UnkeyedEncodingContainer {
    let output: JSONOutput
    let number: Int
    let depth: Int
    private(set) var count = 0

    init(output: JSONOutput, number: Int, depth: Int) {
        self.output = output
        self.number = number
        self.depth = depth
    }

    var codingPath: [any CodingKey] { [] }

    private mutating func next() {
        output.next(in: number, depth: depth)
        count += 1
    }

    mutating func encodeNil() { next(); output.null() }
    mutating func encode(_ value: Bool) { next(); output.write(value) }
    mutating func encode(_ value: String) { next(); output.write(value) }
    mutating func encode(_ value: Double) throws { next(); try output.write(value) }
    mutating func encode(_ value: Float) throws { next(); try output.write(value) }
    mutating func encode(_ value: Int) { next(); output.write(value) }
    mutating func encode(_ value: Int8) { next(); output.write(value) }
    mutating func encode(_ value: Int16) { next(); output.write(value) }
    mutating func encode(_ value: Int32) { next(); output.write(value) }
    mutating func encode(_ value: Int64) { next(); output.write(value) }
    mutating func encode(_ value: UInt) { next(); output.write(value) }
    mutating func encode(_ value: UInt8) { next(); output.write(value) }
    mutating func encode(_ value: UInt16) { next(); output.write(value) }
    mutating func encode(_ value: UInt32) { next(); output.write(value) }
    mutating func encode(_ value: UInt64) { next(); output.write(value) }

    mutating func encode<Value: Encodable>(_ value: Value) throws {
        next()
        try output.write(value, depth: depth)
    }

    private mutating func nested() -> JSONValueEncoder {
        next()
        return JSONValueEncoder(output: output, depth: depth, start: output.bytes.count)
    }

    mutating func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<
        NestedKey
    > {
        nested().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { nested() }
}
