/// A positive number of at most 20 bytes (RFC 5280, 4.1.2.2).
struct SerialNumberRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            let number = certificate.fields.serialNumber
            guard number.count <= 20 else { throw path.refusal(.serialNumber, depth, "its serial number is too long") }
            guard let first = number.first, first & 0x80 == 0, number.contains(where: { $0 != 0 }) else {
                throw path.refusal(.serialNumber, depth, "its serial number is not positive")
            }
        }
    }
}
