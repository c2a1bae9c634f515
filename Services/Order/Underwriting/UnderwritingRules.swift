import Contracts

/// What the rules make of an application, before any person sees it (A8).
enum RuleDecision: Equatable, Sendable {
    /// On to the insurer's own system.
    case pass
    /// A person decides; the reasons say why.
    case refer([String])
    case refuse(String)
}

func underwritingDecision(deposit: Money, rules: RegionRules) -> RuleDecision {
    if deposit > rules.underwriting.refuseAbove {
        return .refuse("保证金超过本地区承保上限 \(rules.underwriting.refuseAbove.text) 元")
    }
    if deposit > rules.underwriting.referAbove {
        return .refer(["保证金超过 \(rules.underwriting.referAbove.text) 元，须人工核保"])
    }
    return .pass
}

/// The premium of a provider for a deposit, rounded half up to the fen, not below its minimum (domain rule b3).
func premium(for deposit: Money, from provider: ProviderDetails) -> Money {
    max(deposit.share(provider.ratePerMillion, of: 1_000_000), provider.minimumPremium)
}

/// The statutory cap on a bid deposit (Regulation on the Implementation of the Bidding Law, Art. 26; Order 30, Art. 37).
/// A lot above it is shown with a warning and not refused: the tender document is the authority.
func depositCap(estimate: Money, kind: ProjectKind) -> Money {
    let share = estimate.share(2, of: 100)
    switch kind {
    case .works, .goods: return min(share, Money(fen: 80_000_000))
    case .survey: return min(share, Money(fen: 10_000_000))
    case .procurement: return share
    }
}
