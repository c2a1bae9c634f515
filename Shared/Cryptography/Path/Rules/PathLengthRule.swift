/// No more intermediates below an authority than it allows, and than the check allows; self-issued ones do not count (RFC
/// 5280, 4.2.1.9).
struct PathLengthRule: PathRule {
    func check(_ path: CertificatePath) throws(PathRefusal) {
        var below = 0
        for (depth, certificate) in path.certificates.enumerated().dropFirst() {
            if let limit = certificate.basicConstraints?.pathLength, below > limit {
                throw path.refusal(.pathLength, depth, "it allows \(limit) intermediates below it and has \(below)")
            }
            if depth < path.certificates.count - 1, !certificate.isSelfIssued { below += 1 }
        }
        guard below <= path.check.maximumIntermediates else {
            throw path.refusal(.tooLong, 0, "its path has \(below) intermediates")
        }
    }
}
