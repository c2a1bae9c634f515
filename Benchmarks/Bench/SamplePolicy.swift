import Contracts
import Documents

/// Draws a sample policy over and over: milliseconds and bytes per page.
func policyPages(_ count: Int) throws -> (milliseconds: Double, bytes: Int) {
    let code = try UnifiedSocialCreditCode("91350100M000100Y43")
    let day = try CalendarDay("2026-12-07")
    let policy = PolicyText(
        number: "PTB20260001", insurer: try Words("徽安财产保险股份有限公司"), insurerCreditCode: code,
        bidder: try Words("安徽宏远建设工程有限公司"), bidderCreditCode: code, tenderee: "宣城市城市建设投资有限公司",
        project: "水阳江大道改造工程", lot: "一标段", amount: try Money(yuan: "107000.53"), premium: try Money(yuan: "200.00"),
        coverage: CoveragePeriod(from: day, until: day.adding(days: 90)), issuedAt: try Instant("2026-11-23T07:00:00Z"),
        isSealed: false, endorsement: "PD1", verificationAddress: "https://example.com/verify/PTB20260001",
        verificationCode: "ABCDEF1234")
    // The first page loads the fonts.
    let bytes = try policyPDF(policy).count
    let time = try ContinuousClock().measure {
        for _ in 0..<count { _ = try policyPDF(policy) }
    }
    return (Double(time.milliseconds) / Double(count), bytes)
}
