import Contracts
import ServiceRuntime

/// The insurers' systems (A8, A10, A12). The order's ID is the key of every call.
struct Insurers: Sendable {
    let client: Client<InsurerAPI>

    func underwrite(_ order: InsuranceOrder, coverage: CoveragePeriod, isRepeated: Bool) async throws
        -> UnderwritingAnswer
    {
        guard let insurer = order.insurer, let quote = order.quote else { throw Problem(.wrongState) }
        if isRepeated, order.answer == nil, let known = try await underwriting(of: order.id) { return known }
        let request = UnderwritingRequest(
            order: order.id, insurer: insurer.id, bidder: order.applicant.name,
            bidderCreditCode: order.applicant.creditCode, lotToken: order.lotToken, deposit: order.deposit,
            premium: quote.premium, coverage: coverage, answer: order.answer)
        return try await client.call(.underwrite, request, key: order.id.text)
    }

    /// nil when the insurer never heard of it.
    func underwriting(of order: OrderID) async throws -> UnderwritingAnswer? {
        do {
            return try await client.call(.underwriting, order)
        } catch let problem as Problem where problem.code == .notFound {
            return nil
        }
    }

    /// Issues the sealed policy. After an attempt whose outcome is unknown the insurer is asked first.
    func issue(_ order: InsuranceOrder, coverage: CoveragePeriod, isRepeated: Bool) async throws -> IssuedPolicy {
        guard let insurer = order.insurer, let quote = order.quote else { throw Problem(.wrongState) }
        if isRepeated, let known = try await issued(order.id) { return known }
        let request = IssueRequest(
            order: order.id, insurer: insurer.id, bidder: order.applicant.name,
            bidderCreditCode: order.applicant.creditCode, lotToken: order.lotToken, amount: order.deposit,
            premium: quote.premium, coverage: coverage)
        return try await client.call(.issue, request, key: order.id.text)
    }

    /// nil when the insurer issued nothing for it.
    func issued(_ order: OrderID) async throws -> IssuedPolicy? {
        do {
            return try await client.call(.issuedPolicy, order)
        } catch let problem as Problem where problem.code == .notFound {
            return nil
        }
    }

    /// The endorsement that names tenderee, project and lot.
    func endorse(_ policyNumber: String, of order: InsuranceOrder, lot: LotDetails) async throws -> Endorsement {
        guard let insurer = order.insurer else { throw Problem(.wrongState) }
        let request = EndorsementRequest(
            policyNumber: policyNumber, insurer: insurer.id, tenderee: lot.tenderee, projectName: lot.projectName,
            lotName: lot.name)
        return try await client.call(.endorse, request, key: order.id.text)
    }
}
