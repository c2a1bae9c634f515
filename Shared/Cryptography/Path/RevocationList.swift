import Synchronization

/// A certificate revocation list (RFC 5280, 5), read in one pass: a million entries take 24 MB and are searched in less
/// than a microsecond.
public struct RevocationList: Sendable {
    /// A serial number of at most 20 bytes and why it was revoked.
    private struct Entry: Comparable {
        var high: UInt64 = 0
        var middle: UInt64 = 0
        var low: UInt32 = 0
        var reason: UInt8 = 0

        init?(_ serialNumber: ArraySlice<UInt8>, reason: UInt8 = 0) {
            guard serialNumber.count <= 20 else { return nil }
            for byte in serialNumber {
                high = high << 8 | middle >> 56
                middle = middle << 8 | UInt64(low >> 24)
                low = low << 8 | UInt32(byte)
            }
            self.reason = reason
        }

        static func < (left: Entry, right: Entry) -> Bool {
            left.high != right.high
                ? left.high < right.high
                : left.middle != right.middle ? left.middle < right.middle : left.low < right.low
        }

        static func == (left: Entry, right: Entry) -> Bool {
            left.high == right.high && left.middle == right.middle && left.low == right.low
        }
    }

    public struct Malformed: Error, Equatable {
        public let detail: String
    }

    let issuer: DistinguishedName
    /// Seconds since 1970.
    public let thisUpdate: Int64
    public let nextUpdate: Int64
    /// Grows from list to list.
    public let number: [UInt8]
    /// Of a delta list: the number of the list that it changes.
    public let baseNumber: [UInt8]?
    private let scope: Scope
    private let entries: [Entry]
    private let proof: Proof

    /// Who signed the list: checked once, because hashing tens of megabytes at every login would be a way to stop them; what
    /// was signed is forgotten then.
    private final class Proof: Sendable {
        enum State {
            case open(signed: [UInt8], signature: [UInt8], algorithm: SignatureAlgorithm)
            /// The public key, as it stands in certificates.
            case signed(by: [UInt8])
        }

        let state: Mutex<State>

        init(_ signed: [UInt8], _ signature: [UInt8], _ algorithm: SignatureAlgorithm) {
            state = Mutex(.open(signed: signed, signature: signature, algorithm: algorithm))
        }

        func isSigned(by key: PublicKey, _ info: [UInt8]) -> Bool {
            state.withLock { state in
                switch state {
                case .signed(let known): return known == info
                case .open(let signed, let signature, let algorithm):
                    guard key.verifies(signature, of: signed, by: algorithm) else { return false }
                    state = .signed(by: info)
                    return true
                }
            }
        }
    }

    public var count: Int { entries.count }

    /// - Throws: ``Malformed`` for anything but a whole version 2 list whose demands are understood.
    public init(der: [UInt8]) throws(Malformed) {
        do {
            try self.init(reading: der)
        } catch {
            throw Malformed(detail: error.detail)
        }
    }

    /// All lists of a PEM text.
    public static func lists(pem: [UInt8]) throws(Malformed) -> [RevocationList] {
        let lists = try PEM.blocks(pem, "X509 CRL").map { bytes throws(Malformed) in try RevocationList(der: bytes) }
        guard !lists.isEmpty else { throw Malformed(detail: "no revocation list in PEM") }
        return lists
    }

    private init(reading der: [UInt8]) throws(DERError) {
        var list = try DERReader.only(DERTag.sequence, in: der[...]).reader()
        let body = try list.next(DERTag.sequence)
        let outerAlgorithm = try list.next(DERTag.sequence)
        let signature = Array(try list.next(DERTag.bitString).octetAlignedBits())
        try list.finish()
        proof = Proof(Array(body.whole), signature, try SignatureAlgorithm(der: outerAlgorithm.whole))

        var reader = body.reader()
        guard try reader.next(DERTag.integer).smallInteger() == 1 else {
            throw DERError(detail: "its version is not 2")
        }
        guard try reader.next(DERTag.sequence).whole == outerAlgorithm.whole else {
            throw DERError(detail: "it names two signature algorithms")
        }
        issuer = try DistinguishedName(der: reader.next(DERTag.sequence))
        thisUpdate = try Self.time(reader.next())
        guard reader.rest.first == DERTag.utcTime || reader.rest.first == DERTag.generalizedTime else {
            throw DERError(detail: "it does not say when the next one is due")
        }
        nextUpdate = try Self.time(reader.next())
        entries = try Self.entries(reader.optional(DERTag.sequence))
        let extensions = try reader.optional(DERTag.context(0))
        try reader.finish()

        var number: [UInt8]?
        var base: [UInt8]?
        var scope = Scope()
        for element in try extensions.map({ value throws(DERError) in
            try DERReader.elements(DERTag.sequence, in: value.content)
        }) ?? [] {
            var parts = element.reader()
            let oid = try parts.next(DERTag.objectIdentifier).objectIdentifier()
            let isCritical = try parts.optional(DERTag.boolean)?.boolean() ?? false
            let value = try parts.next(DERTag.octetString).content
            switch oid {
            case ExtensionID.crlNumber:
                guard !isCritical, number == nil else { throw DERError(detail: "its number must not be critical") }
                number = Array(try DERReader.only(DERTag.integer, in: value).content)
            case ExtensionID.deltaCRLIndicator:
                base = Array(try DERReader.only(DERTag.integer, in: value).content)
            case ExtensionID.issuingDistributionPoint: scope = try Scope(der: value)
            default:
                guard !isCritical else { throw DERError(detail: "its critical extension \(oid) is not understood") }
            }
        }
        guard let number else { throw DERError(detail: "it has no number") }
        self.number = number
        baseNumber = base
        self.scope = scope
    }

    private static func time(_ value: DERValue) throws(DERError) -> Int64 {
        guard let seconds = CertificateTime.seconds(value) else { throw DERError(detail: "its times are malformed") }
        return seconds
    }

    private static func entries(_ list: DERValue?) throws(DERError) -> [Entry] {
        guard let list else { return [] }
        var entries: [Entry] = []
        entries.reserveCapacity(list.content.count / 34)
        var reader = list.reader()
        while !reader.isAtEnd {
            var parts = try reader.next(DERTag.sequence).reader()
            let serialNumber = try parts.next(DERTag.integer).content
            _ = try parts.next()
            var reason: UInt8 = 0
            if let extensions = try parts.optional(DERTag.sequence) {
                for element in try DERReader.all(in: extensions.content) {
                    var fields = element.reader()
                    let oid = try fields.next(DERTag.objectIdentifier).objectIdentifier()
                    let isCritical = try fields.optional(DERTag.boolean)?.boolean() ?? false
                    let value = try fields.next(DERTag.octetString).content
                    if oid == ExtensionID.reasonCode {
                        reason = try DERReader.only(DERTag.enumerated, in: value).content.last ?? 0
                    } else if isCritical {
                        throw DERError(detail: "a critical extension of an entry is not understood")
                    }
                }
            }
            guard let entry = Entry(serialNumber, reason: reason) else {
                throw DERError(detail: "a serial number is too long")
            }
            entries.append(entry)
        }
        entries.sort()
        return entries
    }

    /// For which certificates of its issuer a list is (RFC 5280, 5.2.5).
    private struct Scope {
        /// nil for all certificates, else whether for authorities' only.
        private var onlyAuthorities: Bool?
        /// Of a list that is one of several: the names of its part, each as it was written.
        private var names: Set<[UInt8]>?

        init() {}

        init(der value: ArraySlice<UInt8>) throws(DERError) {
            var reader = try DERReader.only(DERTag.sequence, in: value).reader()
            if let point = try reader.optional(DERTag.context(0)) { names = try Self.names(point) }
            let users = try reader.optional(DERTag.primitive(1))?.boolean() ?? false
            let authorities = try reader.optional(DERTag.primitive(2))?.boolean() ?? false
            guard reader.isAtEnd, !(users && authorities) else {
                throw DERError(detail: "it is for some reasons or other issuers only")
            }
            onlyAuthorities = users ? false : authorities ? true : nil
        }

        /// The full names of a distribution point's name.
        private static func names(_ point: DERValue) throws(DERError) -> Set<[UInt8]> {
            var name = point.reader()
            let full = try name.next(DERTag.context(0))
            var names: Set<[UInt8]> = []
            for element in try DERReader.all(in: full.content) { names.insert(Array(element.whole)) }
            return names
        }

        func contains(_ certificate: PathCertificate) -> Bool {
            if let onlyAuthorities, onlyAuthorities != (certificate.basicConstraints?.isAuthority == true) {
                return false
            }
            guard let names else { return true }
            return !names.isDisjoint(with: Self.points(of: certificate))
        }

        /// The names of all distribution points that the certificate names.
        private static func points(of certificate: PathCertificate) -> Set<[UInt8]> {
            guard let value = certificate.fields.extension(ExtensionID.crlDistributionPoints)?.value,
                let points = try? DERReader.elements(DERTag.sequence, in: value)
            else { return [] }
            return points.reduce(into: []) { names, point in
                var reader = point.reader()
                if let name = try? reader.optional(DERTag.context(0)), let found = try? Self.names(name) {
                    names.formUnion(found)
                }
            }
        }
    }

    // MARK: Questions

    /// Whether `issuer`'s key signed the list, and may (RFC 5280, 6.3.3 f and g).
    public func isSigned(by issuer: Certificate) -> Bool {
        guard let certificate = try? PathCertificate(issuer), certificate.fields.subject == self.issuer,
            certificate.keyUsage?.contains(.crlSign) ?? true, let key = try? issuer.publicKey
        else { return false }
        return proof.isSigned(by: key, Array(certificate.fields.publicKeyInfo))
    }

    /// Whether this list is about certificates like that one.
    func covers(_ certificate: PathCertificate) -> Bool {
        guard issuer == certificate.fields.issuer else { return false }
        return scope.contains(certificate)
    }

    /// Whether a delta list's base is there: a change to a list that we do not have says nothing (RFC 5280, 5.2.4).
    func applies(among lists: [RevocationList]) -> Bool {
        guard let baseNumber else { return true }
        return lists.contains { base in
            base.baseNumber == nil && !Self.isLess(base.number, baseNumber) && Self.isLess(base.number, number)
        }
    }

    /// Compares two numbers in big-endian bytes.
    private static func isLess(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let (left, right) = (left.drop { $0 == 0 }, right.drop { $0 == 0 })
        return left.count != right.count ? left.count < right.count : left.lexicographicallyPrecedes(right)
    }

    /// The reason code (RFC 5280, 5.3.1) if the number stands in the list; 8 in a delta list means not revoked any more.
    public func reason(forSerialNumber bytes: some Sequence<UInt8>) -> UInt8? {
        guard let wanted = Entry(ArraySlice(bytes)) else { return nil }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low] == wanted ? entries[low].reason : nil
    }
}
