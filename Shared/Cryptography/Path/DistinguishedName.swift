/// A name of a subject or issuer (RFC 5280, 4.1.2.4), compared as section 7.1 says: case and white space do not count.
struct DistinguishedName: Sendable, Hashable {
    struct Attribute: Sendable, Hashable {
        let oid: String
        /// Tag and folded text of a string; the bytes as they are of anything else.
        let folded: [UInt8]
        let text: String?

        static func == (left: Attribute, right: Attribute) -> Bool {
            left.oid == right.oid && left.folded == right.folded
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(oid)
            hasher.combine(folded)
        }
    }

    /// Each a set of attributes that stand beside one another; nearly always of one.
    let relativeNames: [Set<Attribute>]

    var isEmpty: Bool { relativeNames.isEmpty }
    var attributes: [Attribute] { relativeNames.flatMap { $0 } }

    init(der: DERValue) throws(DERError) {
        var names: [Set<Attribute>] = []
        for element in try DERReader.all(in: der.content) {
            guard element.tag == DERTag.set else { throw DERError(detail: "a name is malformed") }
            var set: Set<Attribute> = []
            for pair in try DERReader.all(in: element.content) {
                guard pair.tag == DERTag.sequence else { throw DERError(detail: "a name is malformed") }
                var reader = pair.reader()
                let oid = try reader.next(DERTag.objectIdentifier).objectIdentifier()
                let value = try reader.next()
                try reader.finish()
                set.insert(Self.attribute(oid, value))
            }
            guard !set.isEmpty else { throw DERError(detail: "a part of a name is empty") }
            names.append(set)
        }
        relativeNames = names
    }

    private static func attribute(_ oid: String, _ value: DERValue) -> Attribute {
        let text: String? =
            switch value.tag {
            // UTF8String, PrintableString, TeletexString, IA5String.
            case 0x0C, 0x13, 0x14, 0x16: String(validating: value.content, as: UTF8.self)
            // BMPString.
            case 0x1E: Self.bmp(value.content)
            default: nil
            }
        guard let text else { return Attribute(oid: oid, folded: Array(value.whole), text: nil) }
        let folded = text.lowercased().split(separator: " ").joined(separator: " ")
        return Attribute(oid: oid, folded: [0] + folded.utf8, text: text)
    }

    private static func bmp(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count.isMultiple(of: 2) else { return nil }
        let units = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map {
            UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
        }
        return String(validating: units, as: UTF16.self)
    }

    /// Whether this name is `base` or lies below it.
    func isWithin(_ base: DistinguishedName) -> Bool {
        relativeNames.starts(with: base.relativeNames)
    }

    func values(_ oid: String) -> [String] { attributes.filter { $0.oid == oid }.compactMap(\.text) }

    /// `CN=…`, or all of it where there is no common name; for messages.
    var summary: String {
        values("2.5.4.3").first ?? values("2.5.4.10").first ?? attributes.compactMap(\.text).first ?? "(no name)"
    }
}
