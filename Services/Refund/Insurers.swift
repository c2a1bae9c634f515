import Contracts
import ServiceRuntime

/// The insurer's review of a surrender (R6).
struct Insurers: Sendable {
    let client: Client<InsurerAPI>

    /// Asks for a review under the refund's own ID. After an attempt whose outcome is unknown the insurer is asked what
    /// became of it first.
    func ask(_ refund: RefundID, _ decision: SurrenderDecision, isRepeated: Bool) async throws -> SurrenderAnswer {
        if isRepeated, let known = try await answer(to: refund) { return known }
        let request = SurrenderRequest(
            refund: refund, insurer: decision.insurer, policyNumber: decision.policyNumber, ground: decision.ground,
            amount: decision.amount)
        return try await client.call(.surrender, request, key: refund.text)
    }

    /// nil when the insurer never heard of it.
    func answer(to refund: RefundID) async throws -> SurrenderAnswer? {
        do {
            return try await client.call(.surrenderStatus, refund)
        } catch let problem as Problem where problem.code == .notFound {
            return nil
        }
    }
}
