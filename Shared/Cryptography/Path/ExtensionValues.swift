/// What the extensions of RFC 5280, 4.2 say, read strictly.
struct BasicConstraints: Sendable, Equatable {
    let isAuthority: Bool
    let pathLength: Int?

    init(der: ArraySlice<UInt8>) throws(DERError) {
        var reader = try DERReader.only(DERTag.sequence, in: der).reader()
        isAuthority = try reader.optional(DERTag.boolean)?.boolean() ?? false
        pathLength = try reader.optional(DERTag.integer)?.smallInteger()
        try reader.finish()
    }
}

enum KeyUsageBit: Int {
    case digitalSignature, contentCommitment, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign, crlSign
    case encipherOnly, decipherOnly
}

struct KeyUsage: Sendable, Equatable {
    let bits: Set<Int>

    init(der: ArraySlice<UInt8>) throws(DERError) {
        bits = try DERReader.only(DERTag.bitString, in: der).flags()
    }

    func contains(_ bit: KeyUsageBit) -> Bool { bits.contains(bit.rawValue) }
}

struct AuthorityKeyIdentifier: Sendable, Equatable {
    let keyIdentifier: [UInt8]?
    let hasIssuer: Bool
    let hasSerialNumber: Bool

    init(der: ArraySlice<UInt8>) throws(DERError) {
        var reader = try DERReader.only(DERTag.sequence, in: der).reader()
        keyIdentifier = try reader.optional(DERTag.primitive(0)).map { Array($0.content) }
        hasIssuer = try reader.optional(DERTag.context(1)) != nil
        hasSerialNumber = try reader.optional(DERTag.primitive(2)) != nil
        try reader.finish()
    }
}

struct NameConstraints: Sendable, Equatable {
    var permitted: [GeneralName] = []
    var excluded: [GeneralName] = []

    init(der: ArraySlice<UInt8>) throws(DERError) {
        var reader = try DERReader.only(DERTag.sequence, in: der).reader()
        let first = try reader.optional(DERTag.context(0))
        let second = try reader.optional(DERTag.context(1))
        try reader.finish()
        guard first != nil || second != nil else { throw DERError(detail: "name constraints constrain nothing") }
        if let first { permitted = try Self.subtrees(first) }
        if let second { excluded = try Self.subtrees(second) }
    }

    private static func subtrees(_ list: DERValue) throws(DERError) -> [GeneralName] {
        var bases: [GeneralName] = []
        for element in try DERReader.all(in: list.content) {
            guard element.tag == DERTag.sequence else { throw DERError(detail: "a subtree is malformed") }
            var reader = element.reader()
            let base = try GeneralName(der: reader.next())
            // minimum is zero and maximum absent (RFC 5280, 4.2.1.10).
            try reader.finish()
            guard isWellFormed(base) else { throw DERError(detail: "a name constraint is malformed") }
            bases.append(base)
        }
        guard !bases.isEmpty else { throw DERError(detail: "a list of subtrees is empty") }
        return bases
    }

    private static func isWellFormed(_ base: GeneralName) -> Bool {
        switch base {
        case .dns(let name): name.isEmpty || HostName.isName(name)
        case .email(let text):
            text.contains("@")
                ? Mailbox(text) != nil : HostName.isName(text.hasPrefix(".") ? String(text.dropFirst()) : text)
        case .uri(let host): HostName.isName(host.hasPrefix(".") ? String(host.dropFirst()) : host)
        case .ip(let bytes): (bytes.count == 8 || bytes.count == 32) && isMask(bytes.suffix(bytes.count / 2))
        case .directory, .other: true
        }
    }

    /// Ones and then zeros (RFC 4632).
    private static func isMask(_ mask: ArraySlice<UInt8>) -> Bool {
        var isOver = false
        for byte in mask {
            for bit in 0..<8 {
                let isSet = byte & (0x80 >> UInt8(bit)) != 0
                if isSet && isOver { return false }
                isOver = !isSet
            }
        }
        return true
    }

    static func == (left: NameConstraints, right: NameConstraints) -> Bool {
        left.permitted == right.permitted && left.excluded == right.excluded
    }
}

enum ExtendedKeyUsage {
    static let any = "2.5.29.37.0"
    static let server = "1.3.6.1.5.5.7.3.1"
    static let client = "1.3.6.1.5.5.7.3.2"
    static let emailProtection = "1.3.6.1.5.5.7.3.4"
    static let ocspSigning = "1.3.6.1.5.5.7.3.9"

    static func usages(der: ArraySlice<UInt8>) throws(DERError) -> [String] {
        var usages: [String] = []
        for element in try DERReader.elements(DERTag.sequence, in: der) {
            guard element.tag == DERTag.objectIdentifier else { throw DERError(detail: "a key usage is malformed") }
            usages.append(try element.objectIdentifier())
        }
        guard !usages.isEmpty else { throw DERError(detail: "a list of key usages is empty") }
        return usages
    }
}
