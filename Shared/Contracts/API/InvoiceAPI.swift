/// Invoices for premiums (I1 to I4).
public enum InvoiceAPI: ServiceAPI {
    public static let server = Party.invoice
}

/// The three forms of the manual (I2); a fourth is a region's to offer.
public enum InvoiceForm: String, Codable, Sendable, CaseIterable {
    /// Electronic, VAT ordinary 电子增值税普通发票.
    case electronicOrdinary = "electronic_ordinary"
    /// Paper, VAT ordinary 纸质增值税普通发票.
    case paperOrdinary = "paper_ordinary"
    /// Paper, VAT special 纸质增值税专用发票.
    case paperSpecial = "paper_special"
    /// Electronic, VAT special 电子增值税专用发票.
    case electronicSpecial = "electronic_special"

    public var isPaper: Bool { self == .paperOrdinary || self == .paperSpecial }
    public var isSpecial: Bool { self == .paperSpecial || self == .electronicSpecial }
}

/// The buyer as it stands on the invoice. Address, telephone, bank and account are required for a special invoice.
public struct InvoiceBuyer: Codable, Sendable, Equatable {
    public let title: Words
    public let taxNumber: UnifiedSocialCreditCode
    public let address: Words?
    public let phone: Words?
    public let bank: Words?
    public let account: AccountNumber?
    public let email: Words?

    public init(
        title: Words, taxNumber: UnifiedSocialCreditCode, address: Words? = nil, phone: Words? = nil,
        bank: Words? = nil, account: AccountNumber? = nil, email: Words? = nil
    ) {
        self.title = title
        self.taxNumber = taxNumber
        self.address = address
        self.phone = phone
        self.bank = bank
        self.account = account
        self.email = email
    }
}

/// Where a paper invoice goes (I4).
public struct Recipient: Codable, Sendable, Equatable {
    public let name: Words
    public let mobile: MobileNumber
    public let address: Words
    public let postcode: Words?

    public init(name: Words, mobile: MobileNumber, address: Words, postcode: Words? = nil) {
        self.name = name
        self.mobile = mobile
        self.address = address
        self.postcode = postcode
    }
}

/// 申请发票 (I1, I2).
public struct RequestInvoice: Codable, Sendable {
    public let order: OrderID
    public let form: InvoiceForm
    public let buyer: InvoiceBuyer
    public let recipient: Recipient?

    public init(order: OrderID, form: InvoiceForm, buyer: InvoiceBuyer, recipient: Recipient? = nil) {
        self.order = order
        self.form = form
        self.buyer = buyer
        self.recipient = recipient
    }
}

public struct InvoiceDetails: Codable, Sendable {
    public let id: InvoiceID
    public let order: OrderID
    public let form: InvoiceForm
    public let state: InvoiceState
    public let buyer: InvoiceBuyer
    public let recipient: Recipient?
    public let net: Money
    public let tax: Money
    public let gross: Money
    /// 20 digits for an electronic invoice.
    public let number: String?
    public let issuedAt: Instant?
    public let courier: Words?
    public let trackingNumber: String?
    public let note: String?

    public init(
        id: InvoiceID, order: OrderID, form: InvoiceForm, state: InvoiceState, buyer: InvoiceBuyer,
        recipient: Recipient? = nil, net: Money, tax: Money, gross: Money, number: String? = nil,
        issuedAt: Instant? = nil, courier: Words? = nil, trackingNumber: String? = nil, note: String? = nil
    ) {
        self.id = id
        self.order = order
        self.form = form
        self.state = state
        self.buyer = buyer
        self.recipient = recipient
        self.net = net
        self.tax = tax
        self.gross = gross
        self.number = number
        self.issuedAt = issuedAt
        self.courier = courier
        self.trackingNumber = trackingNumber
        self.note = note
    }
}

public struct TaxNotice: Codable, Sendable {
    public enum Outcome: String, Codable, Sendable, CaseIterable {
        case issued, failed
        case sealFailed = "seal_failed"
    }

    public let invoice: InvoiceID
    public let outcome: Outcome
    public let number: String?
    public let issuedAt: Instant?
    public let note: String?

    public init(
        invoice: InvoiceID, outcome: Outcome, number: String? = nil, issuedAt: Instant? = nil, note: String? = nil
    ) {
        self.invoice = invoice
        self.outcome = outcome
        self.number = number
        self.issuedAt = issuedAt
        self.note = note
    }
}

public struct CourierNotice: Codable, Sendable {
    public let invoice: InvoiceID
    public let courier: Words
    public let trackingNumber: String

    public init(invoice: InvoiceID, courier: Words, trackingNumber: String) {
        self.invoice = invoice
        self.courier = courier
        self.trackingNumber = trackingNumber
    }
}

extension Endpoint where API == InvoiceAPI, ID == Nothing, Request == RequestInvoice, Reply == InvoiceDetails {
    public static var requestInvoice: Self { .post("/v1/invoices", for: .person(.bidder)) }
}

extension Endpoint where API == InvoiceAPI, ID == Nothing, Request == OrderQuery, Reply == [InvoiceDetails] {
    public static var invoices: Self { .get("/v1/invoices", for: .person(.bidder)) }
}

extension Endpoint where API == InvoiceAPI, ID == InvoiceID, Request == Nothing, Reply == InvoiceDetails {
    public static var invoice: Self { .get("/v1/invoices/{id}", for: .person(.bidder)) }
}

extension Endpoint where API == InvoiceAPI, ID == InvoiceID, Request == Nothing, Reply == File {
    /// 下载发票 (I3).
    public static var invoiceFile: Self { .get("/v1/invoices/{id}/file", for: .person(.bidder)) }
    public static var invoiceSignature: Self { .get("/v1/invoices/{id}/signature", for: .person(.bidder)) }
}

extension Endpoint where API == InvoiceAPI, ID == Nothing, Request == TaxNotice, Reply == Nothing {
    public static var taxNotice: Self { .post("/v1/callbacks/tax-platform", for: .callback(.taxPlatform)) }
}

extension Endpoint where API == InvoiceAPI, ID == Nothing, Request == CourierNotice, Reply == Nothing {
    public static var courierNotice: Self { .post("/v1/callbacks/courier", for: .callback(.courier)) }
}
