import Contracts

/// What an invoice says (I2).
public struct InvoiceText: Sendable {
    public let number: String
    public let form: InvoiceForm
    public let seller: Words
    public let sellerCreditCode: UnifiedSocialCreditCode
    public let buyer: InvoiceBuyer
    public let net: Money
    public let tax: Money
    public let gross: Money
    public let vatPercent: Int
    public let policyNumber: String
    public let issuedAt: Instant
    public let verificationAddress: String

    public init(
        number: String, form: InvoiceForm, seller: Words, sellerCreditCode: UnifiedSocialCreditCode,
        buyer: InvoiceBuyer, net: Money, tax: Money, gross: Money, vatPercent: Int, policyNumber: String,
        issuedAt: Instant, verificationAddress: String
    ) {
        self.number = number
        self.form = form
        self.seller = seller
        self.sellerCreditCode = sellerCreditCode
        self.buyer = buyer
        self.net = net
        self.tax = tax
        self.gross = gross
        self.vatPercent = vatPercent
        self.policyNumber = policyNumber
        self.issuedAt = issuedAt
        self.verificationAddress = verificationAddress
    }
}

/// Draws the invoice (I3).
///
/// - Returns: a PDF of one page. Takes about twenty milliseconds: never call it on an event loop.
/// - Throws: ``DocumentError``.
public func invoicePDF(_ text: InvoiceText) throws -> [UInt8] {
    let title = text.form.isSpecial ? "增值税专用发票" : "增值税普通发票"
    let document = try PDFDocument(
        title: "\(title) \(text.number)", author: text.seller.text, subject: title, createdAt: text.issuedAt.text)
    document.paragraph(
        text.form.isPaper ? title : "电子发票（\(title)）", size: 20, bold: true, alignment: .centre, after: 6)
    document.paragraph("发票号码：\(text.number)", alignment: .right, after: 2)
    document.paragraph("开票日期：\(text.issuedAt.day.text)", alignment: .right, after: 8)
    document.table([
        (
            "购买方",
            "名称：\(text.buyer.title.text)\n统一社会信用代码/纳税人识别号：\(text.buyer.taxNumber.text)" + optionalLines(text.buyer)
        ),
        ("销售方", "名称：\(text.seller.text)\n统一社会信用代码/纳税人识别号：\(text.sellerCreditCode.text)"),
        ("项目名称", "*保险服务*投标保证保险费"),
        ("金额", "￥\(text.net.text)"),
        ("税率/征收率", "\(text.vatPercent)%"),
        ("税额", "￥\(text.tax.text)"),
        ("价税合计（大写）", text.gross.capitals),
        ("价税合计（小写）", "￥\(text.gross.text)"),
        ("备注", "保单号：\(text.policyNumber)"),
    ])
    try document.qrCode(text.verificationAddress, caption: "扫码查验本发票。\n本文件附有电子签名，任何改动均可被发现。")
    return try document.finish()
}

private func optionalLines(_ buyer: InvoiceBuyer) -> String {
    var lines = ""
    if let address = buyer.address, let phone = buyer.phone { lines += "\n地址、电话：\(address.text) \(phone.text)" }
    if let bank = buyer.bank, let account = buyer.account { lines += "\n开户行及账号：\(bank.text) \(account.text)" }
    return lines
}
