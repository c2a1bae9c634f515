import Contracts
import Cryptography
import Documents
import ServiceRuntime

/// Invoices for premiums (I1 to I4).
struct Invoices: Sendable {
    let store: Store
    let auth: Client<AuthAPI>
    let orders: Client<OrderAPI>
    let taxPlatform: TaxPlatform
    let courier: Courier
    let signer: DocumentSigner
    let portalAddress: String
    let clock: ServiceClock

    /// 申请发票. Order refuses before the opening (I1).
    func request(_ request: RequestInvoice, by person: Person, key: IdempotencyKey) async throws -> InvoiceDetails {
        if let stored: InvoiceDetails = try await store.database.stored(key) { return stored }
        let basis = try await orders.call(.invoiceBasis, request.order, EnterpriseQuery(enterprise: person.enterprise))
        try check(request, offered: basis.offered)
        // Of one order there is one invoice, so that it has no version.
        try await auth.permit(
            .invoice, on: request.order, version: 0, premium: basis.premium, for: person.enterprise,
            as: person.standing)
        return try await store.add(request, basis: basis, for: person.enterprise, at: clock.now, key: key)
    }

    func invoices(of order: OrderID, for person: Person) async throws -> [InvoiceDetails] {
        try await store.invoices(of: order, for: person.enterprise).map(\.details)
    }

    private func own(_ id: InvoiceID, _ person: Person) async throws -> Invoice {
        guard let invoice = try await store.invoice(id), invoice.enterprise == person.enterprise else {
            throw Problem(.notFound)
        }
        return invoice
    }

    func details(of id: InvoiceID, for person: Person) async throws -> InvoiceDetails {
        try await own(id, person).details
    }

    /// 下载发票 (I3): electronic ones only.
    func file(of id: InvoiceID, for person: Person) async throws -> File {
        let document = try await document(of: id, for: person)
        return File(mediaType: "application/pdf", name: "invoice-\(document.number).pdf", bytes: document.pdf)
    }

    func signature(of id: InvoiceID, for person: Person) async throws -> File {
        let document = try await document(of: id, for: person)
        return File(
            mediaType: "application/pkcs7-signature", name: "invoice-\(document.number).p7s", bytes: document.signature)
    }

    private func document(of id: InvoiceID, for person: Person) async throws -> SignedInvoice {
        let invoice = try await own(id, person)
        guard !invoice.form.isPaper else { throw Problem(.notFound, "a paper invoice comes by courier") }
        guard let document = try await store.document(of: id) else {
            throw Problem(.documentNotReady, retryAfter: .seconds(1))
        }
        return document
    }

    // MARK: The outside world's word

    func take(_ notice: TaxNotice) async throws { try await store.take(notice, at: clock.now) }
    func take(_ notice: CourierNotice) async throws { try await store.take(notice, at: clock.now) }

    // MARK: Background

    func issue(_ id: InvoiceID, isRepeated: Bool) async throws {
        guard let invoice = try await store.invoice(id), invoice.state == .issuing else { return }
        if isRepeated, let outcome = try await taxPlatform.outcome(of: id) { return try await take(outcome) }
        try await taxPlatform.issue(
            TaxInvoiceRequest(
                invoice: id, form: invoice.form, buyer: invoice.buyer, seller: invoice.seller,
                sellerCreditCode: invoice.sellerCreditCode, net: invoice.net, tax: invoice.tax, gross: invoice.gross))
    }

    /// Draws and signs the file of an electronic invoice.
    func makeDocument(_ id: InvoiceID) async throws {
        guard let invoice = try await store.invoice(id), let number = invoice.number, let issuedAt = invoice.issuedAt
        else {
            return
        }
        let pdf = try invoicePDF(
            InvoiceText(
                number: number, form: invoice.form, seller: invoice.seller, sellerCreditCode: invoice.sellerCreditCode,
                buyer: invoice.buyer, net: invoice.net, tax: invoice.tax, gross: invoice.gross,
                vatPercent: invoice.vatPercent, policyNumber: invoice.policyNumber, issuedAt: issuedAt,
                verificationAddress: "\(portalAddress)/verify/invoice/\(number)"))
        try await store.keep(SignedInvoice(number: number, pdf: pdf, signature: try signer.sign(pdf)), of: id)
    }

    func ship(_ id: InvoiceID) async throws {
        guard let invoice = try await store.invoice(id), invoice.state == .issued, let recipient = invoice.recipient
        else {
            return
        }
        try await courier.ship(Shipment(invoice: id, recipient: recipient))
    }

    /// Asks about invoices and shipments whose callbacks may have been lost.
    func askAgain() async throws {
        let limit = clock.now - .seconds(3)
        for id in try await store.invoices(in: .issuing, since: limit) {
            if let outcome = try await taxPlatform.outcome(of: id) { try await take(outcome) }
        }
        for id in try await store.unpostedPaper(since: limit) {
            if let posting = try await courier.posting(of: id) { try await take(posting) }
        }
    }
}
