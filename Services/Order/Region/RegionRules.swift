import Contracts
import Foundation
import StrictJSON

/// The rules of one region: what a trading centre does differently from the next one. The version is stamped on every
/// quote, order and decision.
struct RegionRules: Codable, Sendable {
    struct Refunds: Codable, Sendable {
        /// The bidder gives up (R1).
        let whenWithdrawn: Bool
        /// Aborted or suspended (R1).
        let whenSuspended: Bool
        /// Terminated (R2).
        let whenTerminated: Bool
    }

    struct Underwriting: Codable, Sendable {
        /// Deposits above this are refused by rule.
        let refuseAbove: Money
        /// Deposits above this are decided by a person (A8).
        let referAbove: Money
    }

    enum CoverageStart: String, Codable, Sendable {
        case issue
        case bidDeadline = "bid_deadline"
    }

    let region: String
    let version: String
    let name: Words
    let refunds: Refunds
    /// Whether the premium must leave the basic account (A9).
    // Art. 26 binds the deposit, not the premium; the manual binds the premium too, so it is a switch.
    let requiresBasicAccount: Bool
    let coverageStart: CoverageStart
    /// Days of cover behind the validity of the bids.
    let tailDays: Int
    let invoices: [InvoiceForm]
    let vatPercent: Int
    let underwriting: Underwriting
    let quoteValidHours: Int
    let payouts: PayoutRules

    /// Cover of a policy: N days from the start, half-open (domain rule b2).
    func coverage(opening: Instant, issuedAt: Instant, validityDays: Int) -> CoveragePeriod {
        let from = coverageStart == .bidDeadline ? opening.day : issuedAt.day
        let lead = coverageStart == .bidDeadline ? 0 : Int(opening.day.daysSince1970 - from.daysSince1970)
        return CoveragePeriod(from: from, until: from.adding(days: lead + validityDays + tailDays))
    }
}

/// The regions that this deployment serves.
struct Regions: Sendable {
    private let rules: [String: RegionRules]

    /// - Throws: `JSONError` with the path of what is wrong in the file.
    init(json: [UInt8]) throws {
        let regions = try StrictJSON.decode([RegionRules].self, from: json, rules: .publicAPI)
        rules = Dictionary(regions.map { ($0.region, $0) }) { first, _ in first }
    }

    /// - Throws: ``ProblemCode/lotClosed`` for a region that is not served.
    func rules(for region: String) throws(Problem) -> RegionRules {
        guard let rules = rules[region] else { throw Problem(.lotClosed, "the region is not served") }
        return rules
    }
}
