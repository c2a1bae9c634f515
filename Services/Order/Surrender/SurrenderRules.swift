import Contracts

/// Whether a policy may be given back (R1 to R3), and on which ground.
///
/// - Parameter now: server time at which the request arrived; the opening is compared with it, never with a browser's.
/// - Throws: the ``Problem`` that tells the bidder why not.
func surrenderGround(
    policy: PolicyState, tender: TenderState, isOpened: Bool, opening: Instant, rules: RegionRules, at now: Instant
) throws(Problem) -> SurrenderReason {
    // R3; the boundary belongs to the opening.
    guard now < opening, !isOpened else { throw Problem(.refundAfterOpening) }
    let (ground, isAllowed): (SurrenderReason, Bool) =
        switch tender {
        case .open: (.withdrawn, rules.refunds.whenWithdrawn)  // R1
        case .suspended: (.suspended, rules.refunds.whenSuspended)  // R1
        case .terminated: (.terminated, rules.refunds.whenTerminated)  // R2
        // Never opened, it was terminated before it was closed.
        case .closed: (.terminated, rules.refunds.whenTerminated)
        case .opened, .failed, .awarded: throw Problem(.refundAfterOpening)
        }
    guard isAllowed else { throw Problem(.refundNotInRegion, "rules \(rules.version)") }
    guard policy == .sealed else { throw Problem(.refundNoLivePolicy) }
    return ground
}
