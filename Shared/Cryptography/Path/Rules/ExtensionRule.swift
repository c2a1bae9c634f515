/// No extension twice (RFC 5280, 4.2), none that is critical and unknown, and those that must or must not be critical are so.
struct ExtensionRule: PathRule {
    /// What the rules of this folder and OpenSSL act upon.
    private static let understood: Set<String> = [
        ExtensionID.keyUsage, ExtensionID.subjectAlternativeName, ExtensionID.basicConstraints,
        ExtensionID.nameConstraints, ExtensionID.certificatePolicies, ExtensionID.policyMappings,
        ExtensionID.policyConstraints, ExtensionID.extendedKeyUsage, ExtensionID.inhibitAnyPolicy,
        ExtensionID.crlDistributionPoints,
    ]
    private static let neverCritical: Set<String> = [
        ExtensionID.subjectKeyIdentifier, ExtensionID.authorityKeyIdentifier, ExtensionID.authorityInformationAccess,
    ]
    private static let alwaysCritical: Set<String> = [ExtensionID.policyConstraints, ExtensionID.inhibitAnyPolicy]

    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            var seen: Set<String> = []
            for found in certificate.fields.extensions {
                guard seen.insert(found.oid).inserted else {
                    throw path.refusal(.duplicateExtension, depth, "it has the extension \(found.oid) twice")
                }
                if found.isCritical, Self.neverCritical.contains(found.oid) {
                    throw path.refusal(.extensionCriticality, depth, "its extension \(found.oid) must not be critical")
                }
                if found.isCritical, !Self.understood.contains(found.oid) {
                    throw path.refusal(
                        .unknownCriticalExtension, depth, "its critical extension \(found.oid) is not understood")
                }
                if !found.isCritical, Self.alwaysCritical.contains(found.oid) {
                    throw path.refusal(.extensionCriticality, depth, "its extension \(found.oid) must be critical")
                }
            }
        }
    }
}
