/// What signs others says so, critically; nothing else may (RFC 5280, 4.2.1.9).
struct BasicConstraintsRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        for (depth, certificate) in path.certificates.enumerated() {
            let constraints = certificate.basicConstraints
            let signsCertificates = certificate.keyUsage?.contains(.keyCertSign)
            if constraints?.pathLength != nil, constraints?.isAuthority != true || signsCertificates == false {
                throw path.refusal(.basicConstraints, depth, "it limits paths and is no authority")
            }
            if signsCertificates == true, constraints?.isAuthority != true {
                throw path.refusal(.basicConstraints, depth, "it may sign certificates and is no authority")
            }
            guard depth > 0 else { continue }
            guard constraints?.isAuthority == true else {
                throw path.refusal(.basicConstraints, depth, "it signs others and is no authority")
            }
            guard certificate.fields.extension(ExtensionID.basicConstraints)?.isCritical == true else {
                throw path.refusal(.basicConstraints, depth, "its basic constraints are not critical")
            }
        }
        if path.check.profile != .rfc5280, path.leaf.basicConstraints?.isAuthority == true {
            throw path.refusal(.basicConstraints, 0, "it is an authority's, not somebody's own")
        }
    }
}
