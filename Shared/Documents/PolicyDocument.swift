import Contracts

/// What a policy says. A sealed one names its beneficiary, project and lot by tokens (A11); the open one names them.
public struct PolicyText: Codable, Sendable, Equatable {
    public let number: String
    public let insurer: Words
    public let insurerCreditCode: UnifiedSocialCreditCode
    public let bidder: Words
    public let bidderCreditCode: UnifiedSocialCreditCode
    public let tenderee: String
    public let project: String
    public let lot: String
    public let amount: Money
    public let premium: Money
    public let coverage: CoveragePeriod
    public let issuedAt: Instant
    public let isSealed: Bool
    /// Of the open policy: the insurer's endorsement that opened it.
    public let endorsement: String?
    /// The address that the QR code leads to.
    public let verificationAddress: String
    public let verificationCode: String

    public init(
        number: String, insurer: Words, insurerCreditCode: UnifiedSocialCreditCode, bidder: Words,
        bidderCreditCode: UnifiedSocialCreditCode, tenderee: String, project: String, lot: String, amount: Money,
        premium: Money, coverage: CoveragePeriod, issuedAt: Instant, isSealed: Bool, endorsement: String?,
        verificationAddress: String, verificationCode: String
    ) {
        self.number = number
        self.insurer = insurer
        self.insurerCreditCode = insurerCreditCode
        self.bidder = bidder
        self.bidderCreditCode = bidderCreditCode
        self.tenderee = tenderee
        self.project = project
        self.lot = lot
        self.amount = amount
        self.premium = premium
        self.coverage = coverage
        self.issuedAt = issuedAt
        self.isSealed = isSealed
        self.endorsement = endorsement
        self.verificationAddress = verificationAddress
        self.verificationCode = verificationCode
    }
}

/// Draws the policy (A10, A12).
///
/// - Returns: a PDF of one page. Takes about twenty milliseconds: never call it on an event loop.
/// - Throws: ``DocumentError``.
public func policyPDF(_ text: PolicyText) throws -> [UInt8] {
    let document = try PDFDocument(
        title: "投标保证保险保单 \(text.number)", author: text.insurer.text, subject: "投标保证保险", createdAt: text.issuedAt.text)
    document.paragraph(text.insurer.text, size: 12, alignment: .centre, after: 4)
    document.paragraph(
        text.isSealed ? "投标保证保险保单（密文）" : "投标保证保险保单", size: 20, bold: true, alignment: .centre, after: 4)
    document.paragraph("保单号：\(text.number)", size: 10.5, alignment: .right, after: 8)
    document.table([
        ("投保人（投标人）", "\(text.bidder.text)\n统一社会信用代码 \(text.bidderCreditCode.text)"),
        ("被保险人（招标人）", text.tenderee),
        ("招标项目", text.project),
        ("标段", text.lot),
        ("保险金额", "\(text.amount.capitals)\n￥\(text.amount.text)"),
        ("保险费", "\(text.premium.capitals)\n￥\(text.premium.text)"),
        ("保险期间", coverageText(text.coverage)),
        ("签发时间", text.issuedAt.localText),
    ])
    if let endorsement = text.endorsement {
        document.paragraph("本保单依据批单 \(endorsement) 载明被保险人、项目及标段。")
    }
    for clause in clauses { document.paragraph(clause, size: 9.5, after: 4) }
    document.space(6)
    try document.qrCode(
        text.verificationAddress,
        caption: "扫码查验本保单真伪。\n查验码：\(text.verificationCode)\n本文件附有电子签名，任何改动均可被发现。")
    document.paragraph("保险人：\(text.insurer.text)", alignment: .right, after: 2)
    document.paragraph("统一社会信用代码 \(text.insurerCreditCode.text)", size: 9, alignment: .right)
    return try document.finish()
}

/// Both ends inclusive, as it is printed: N days from the first midnight to the last second.
private func coverageText(_ coverage: CoveragePeriod) -> String {
    let days = coverage.until.daysSince1970 - coverage.from.daysSince1970
    return "自 \(coverage.from.text) 00:00:00 起至 \(coverage.until.adding(days: -1).text) 23:59:59 止，共 \(days) 日"
}

/// The cases in which the insurer pays.
private let clauses = [
    "保险期间内，投标人有下列情形之一，给招标人造成损失的，保险人依照约定负责赔偿：",
    "一、在投标有效期内撤销投标文件的；",
    "二、中标后无正当理由不与招标人订立合同的；",
    "三、签订合同时向招标人提出附加条件的；",
    "四、不按照招标文件要求提交履约保证金的；",
    "五、招标文件规定的其他不予退还投标保证金的情形。",
]
