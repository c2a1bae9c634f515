/// A name of another kind than the distinguished one (RFC 5280, 4.2.1.6).
enum GeneralName: Sendable, Hashable {
    case email(String)
    case dns(String)
    case uri(String)
    case directory(DistinguishedName)
    /// An address; in a constraint address and mask.
    case ip([UInt8])
    /// otherName, x400Address, ediPartyName, registeredID: known to exist, not understood. The tag's number.
    case other(UInt8)

    /// Which kinds constrain which: names of one kind never meet constraints of another.
    var kind: UInt8 {
        switch self {
        case .email: 1
        case .dns: 2
        case .directory: 4
        case .uri: 6
        case .ip: 7
        case .other(let number): number
        }
    }

    init(der: DERValue) throws(DERError) {
        switch der.tag {
        case DERTag.primitive(1): self = .email(try Self.ascii(der))
        case DERTag.primitive(2): self = .dns(try Self.ascii(der))
        case DERTag.primitive(6): self = .uri(try Self.ascii(der))
        case DERTag.primitive(7): self = .ip(Array(der.content))
        case DERTag.context(4):
            self = .directory(try DistinguishedName(der: DERReader.only(DERTag.sequence, in: der.content)))
        case DERTag.context(0), DERTag.context(3), DERTag.context(5), DERTag.primitive(8): self = .other(der.tag & 0x1F)
        default: throw DERError(detail: "a kind of name that does not exist")
        }
    }

    private static func ascii(_ der: DERValue) throws(DERError) -> String {
        guard der.content.allSatisfy({ $0 < 0x80 && $0 != 0 }) else { throw DERError(detail: "a name is not ASCII") }
        return String(decoding: der.content, as: UTF8.self)
    }

    static func list(_ bytes: ArraySlice<UInt8>) throws(DERError) -> [GeneralName] {
        var names: [GeneralName] = []
        for element in try DERReader.elements(DERTag.sequence, in: bytes) {
            names.append(try GeneralName(der: element))
        }
        guard !names.isEmpty else { throw DERError(detail: "a list of names is empty") }
        return names
    }

    /// Whether a certificate may say this of its subject.
    var isWellFormed: Bool {
        switch self {
        case .dns(let name): HostName.isName(name) || HostName.isWildcard(name)
        case .email(let address): Mailbox(address) != nil
        case .uri(let uri): HostName.ofURI(uri) != nil || uri.contains(":")
        case .ip(let address): address.count == 4 || address.count == 16
        case .directory(let name): !name.isEmpty
        case .other: true
        }
    }
}

/// Domain names as certificates use them (RFC 1034, 3.5; RFC 6125).
enum HostName {
    /// Letters, digits and hyphens in labels; no underscore, no empty label, not an address.
    static func isName(_ name: String) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard !name.isEmpty, name.utf8.count <= 253, labels.allSatisfy(isLabel) else { return false }
        return labels.last.map { !$0.utf8.allSatisfy { (0x30...0x39).contains($0) } } ?? false
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let bytes = label.utf8
        guard (1...63).contains(bytes.count), bytes.first != UInt8(ascii: "-"), bytes.last != UInt8(ascii: "-") else {
            return false
        }
        return bytes.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "-")
        }
    }

    /// `*.` before a name of at least two labels: one label would be all of a top-level domain.
    static func isWildcard(_ name: String) -> Bool {
        guard name.hasPrefix("*.") else { return false }
        let base = String(name.dropFirst(2))
        return isName(base) && base.contains(".")
    }

    /// Whether a certificate for `pattern` stands for the host `name` (RFC 6125, 6.4).
    static func matches(_ pattern: String, _ name: String) -> Bool {
        let (pattern, name) = (pattern.lowercased(), name.lowercased())
        if pattern == name { return !pattern.hasPrefix("*") }
        guard isWildcard(pattern), let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
        return name[dot...] == pattern.dropFirst(1)
    }

    /// Whether `name` is `base` or lies below it.
    static func isWithin(_ name: String, _ base: String) -> Bool {
        let (name, base) = (name.lowercased(), base.lowercased())
        return base.isEmpty || name == base || name.hasSuffix("." + base)
    }

    /// The host of an absolute URI with an authority.
    static func ofURI(_ uri: String) -> String? {
        guard let scheme = uri.firstRange(of: "://") else { return nil }
        var authority = uri[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        let host = authority.prefix { $0 != ":" }
        return host.isEmpty ? nil : String(host)
    }
}

/// `local@host` (RFC 2821, as RFC 5280 uses it): the local part counts to the letter, the host does not.
struct Mailbox: Equatable {
    let local: String
    let host: String

    init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, HostName.isName(String(parts[1])) else { return nil }
        local = String(parts[0])
        host = parts[1].lowercased()
    }
}
