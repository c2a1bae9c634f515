import Contracts
import Cryptography

/// A lot with the secret of its draw.
struct Lot: Sendable {
    /// As the trading centre says; without the draw's commitment and seed.
    let details: LotDetails
    let seed: [UInt8]
    /// When the trading centre's word that the bids are opened was first heard.
    let openedAt: Instant?

    var commitment: String { Draw.commitment(to: seed) }

    /// Whether the bids are opened, as the trading centre said.
    var isOpened: Bool { openedAt != nil }

    /// Whether nobody can apply any more, ever: opened or terminated.
    var isOver: Bool { isOpened || details.state == .terminated || details.state == .closed }

    /// Whether what was paid at `time` can still become a policy: before the bids were opened, by the clock or by word.
    func covers(_ time: Instant) -> Bool {
        guard time < details.opening, openedAt.map({ time < $0 }) ?? true else { return false }
        return switch details.state {
        case .terminated: false
        case .closed: isOpened
        case .open, .suspended, .opened, .failed, .awarded: true
        }
    }

    /// Whether the trading centre's word `details` says that the bids are opened. A closed tender was either opened or
    /// terminated before; where that word was missed, the clock says which.
    func isOpened(by details: LotDetails, at now: Instant) -> Bool {
        switch details.state {
        case .opened, .failed, .awarded: true
        case .open, .suspended, .terminated: false
        case .closed: self.details.state != .terminated && now >= details.opening
        }
    }

    func takesApplications(at now: Instant) -> Bool { details.state == .open && now < details.opening }

    /// What everybody may see: the commitment always, the seed after the opening.
    var published: LotDetails {
        LotDetails(
            id: details.id, region: details.region, projectNumber: details.projectNumber,
            projectName: details.projectName, number: details.number, name: details.name, tenderee: details.tenderee,
            tendereeCreditCode: details.tendereeCreditCode, kind: details.kind, estimate: details.estimate,
            deposit: details.deposit, opening: details.opening, validityDays: details.validityDays,
            state: details.state, version: details.version, drawCommitment: commitment,
            drawSeed: isOpened ? seed.hex : nil)
    }
}

extension TenderState {
    /// Whether the trading centre's word leads on from here, over steps that we may have missed. A notice that would
    /// lead back, such as from opened to open, is not believed.
    func leads(to other: TenderState) -> Bool {
        var reached: Set<TenderState> = [self]
        var frontier = reached
        while !frontier.isEmpty {
            let next = Set(frontier.flatMap { state in Event.allCases.compactMap { state.next(on: $0) } })
            frontier = next.subtracting(reached)
            reached.formUnion(next)
        }
        return reached.contains(other)
    }
}
