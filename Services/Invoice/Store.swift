import Contracts
import Persistence

/// An invoice as it is stored.
struct Invoice: Sendable {
    let id: InvoiceID
    let order: OrderID
    let enterprise: EnterpriseID
    let form: InvoiceForm
    let state: InvoiceState
    let buyer: InvoiceBuyer
    let recipient: Recipient?
    let seller: Words
    let sellerCreditCode: UnifiedSocialCreditCode
    let policyNumber: String
    let net: Money
    let tax: Money
    let gross: Money
    let vatPercent: Int
    let number: String?
    let issuedAt: Instant?
    let courier: Words?
    let trackingNumber: String?
    let note: String?

    var details: InvoiceDetails {
        InvoiceDetails(
            id: id, order: order, form: form, state: state, buyer: buyer, recipient: recipient, net: net, tax: tax,
            gross: gross, number: number, issuedAt: issuedAt, courier: courier, trackingNumber: trackingNumber,
            note: note)
    }
}

/// The file of an electronic invoice and its detached signature.
struct SignedInvoice: Sendable {
    let number: String
    let pdf: [UInt8]
    let signature: [UInt8]
}

/// All SQL of Invoice.
struct Store: Sendable {
    let database: Database

    // MARK: Reading

    func invoice(_ id: InvoiceID) async throws -> Invoice? {
        try await database.read { try Self.invoices("id = ?", id, in: $0).first }
    }

    func invoices(of order: OrderID, for enterprise: EnterpriseID) async throws -> [Invoice] {
        try await database.read { transaction in
            try Self.invoices("order_id = ?", order, in: transaction).filter { $0.enterprise == enterprise }
        }
    }

    func invoices(in state: InvoiceState, since limit: Instant) async throws -> [InvoiceID] {
        try await database.read { transaction in
            try transaction.rows("SELECT id FROM invoice WHERE state = ? AND updated_at < ? LIMIT 100", state, limit)
                .map { try $0["id"] }
        }
    }

    func unpostedPaper(since limit: Instant) async throws -> [InvoiceID] {
        try await database.read { transaction in
            try transaction.rows(
                """
                SELECT id FROM invoice WHERE state = 'issued' AND form IN ('paper_ordinary', 'paper_special')
                    AND updated_at < ? LIMIT 100
                """, limit
            ).map { try $0["id"] }
        }
    }

    private static func invoices(
        _ condition: String, _ value: any SQLRepresentable, in transaction: Transaction
    ) throws -> [Invoice] {
        try transaction.rows(
            """
            SELECT id, order_id, enterprise, form, state, buyer, recipient, seller, seller_credit_code, policy_number,
                net, tax, gross, vat_percent, number, issued_at, courier, tracking_number, note
            FROM invoice WHERE \(condition)
            """, value
        ).map { row in
            let buyer: JSONColumn<InvoiceBuyer> = try row["buyer"]
            let recipient: JSONColumn<Recipient>? = try row["recipient"]
            return Invoice(
                id: try row["id"], order: try row["order_id"], enterprise: try row["enterprise"], form: try row["form"],
                state: try row["state"], buyer: buyer.value, recipient: recipient?.value, seller: try row["seller"],
                sellerCreditCode: try row["seller_credit_code"], policyNumber: try row["policy_number"],
                net: try row["net"], tax: try row["tax"], gross: try row["gross"], vatPercent: try row["vat_percent"],
                number: try row["number"], issuedAt: try row["issued_at"], courier: try row["courier"],
                trackingNumber: try row["tracking_number"], note: try row["note"])
        }
    }

    private static func required(_ id: InvoiceID, in transaction: Transaction) throws -> Invoice {
        guard let invoice = try invoices("id = ?", id, in: transaction).first else { throw Problem(.notFound) }
        return invoice
    }

    func document(of id: InvoiceID) async throws -> SignedInvoice? {
        try await database.read { transaction in
            guard let row = try transaction.row("SELECT number, pdf, signature FROM document WHERE invoice = ?", id)
            else {
                return nil
            }
            return SignedInvoice(number: try row["number"], pdf: try row["pdf"], signature: try row["signature"])
        }
    }

    // MARK: Steps

    /// One live invoice per order.
    func add(
        _ request: RequestInvoice, basis: InvoiceBasis, for enterprise: EnterpriseID, at now: Instant,
        key: IdempotencyKey
    ) async throws -> InvoiceDetails {
        try await database.once(key, at: now) { transaction in
            let id = InvoiceID()
            let (net, tax) = basis.premium.splitVAT(percent: Int64(basis.vatPercent))
            let added = try transaction.execute(
                """
                INSERT INTO invoice (id, order_id, enterprise, form, state, buyer, recipient, seller, seller_credit_code,
                    policy_number, net, tax, gross, vat_percent, updated_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """, id, request.order, enterprise, request.form, try InvoiceState.applied.applying(.send),
                JSONColumn(request.buyer), request.recipient.map { JSONColumn($0) }, basis.insurer.name,
                basis.insurer.creditCode, basis.policyNumber, net, tax, basis.premium, basis.vatPercent, now)
            guard added == 1 else { throw Problem(.invoiceExists) }
            try transaction.send(InvoiceMessage.issue(id), at: now)
            return try Self.required(id, in: transaction).details
        }
    }

    /// The tax platform's outcome; told twice, it changes nothing.
    func take(_ notice: TaxNotice, at now: Instant) async throws {
        try await database.write { transaction in
            let invoice = try Self.required(notice.invoice, in: transaction)
            guard invoice.state == .issuing else { return }
            switch notice.outcome {
            case .issued:
                guard let number = notice.number, isInvoiceNumber(number, of: invoice.form) else {
                    throw Problem(.invalidField, "is not an invoice number", field: "/number")
                }
                try transaction.execute(
                    "UPDATE invoice SET state = ?, number = ?, issued_at = ?, updated_at = ? WHERE id = ?",
                    try invoice.state.applying(.issue), number, notice.issuedAt ?? now, now, invoice.id)
                try transaction.send(
                    invoice.form.isPaper ? InvoiceMessage.ship(invoice.id) : .makeDocument(invoice.id), at: now)
            case .failed, .sealFailed:
                try transaction.execute(
                    "UPDATE invoice SET state = ?, note = ?, updated_at = ? WHERE id = ?",
                    try invoice.state.applying(notice.outcome == .failed ? .fail : .failSeal), notice.note, now,
                    invoice.id)
            }
        }
    }

    func take(_ notice: CourierNotice, at now: Instant) async throws {
        try await database.write { transaction in
            let invoice = try Self.required(notice.invoice, in: transaction)
            guard invoice.state == .issued else { return }
            try transaction.execute(
                "UPDATE invoice SET state = ?, courier = ?, tracking_number = ?, updated_at = ? WHERE id = ?",
                try invoice.state.applying(.post), notice.courier, notice.trackingNumber, now, invoice.id)
        }
    }

    func keep(_ document: SignedInvoice, of id: InvoiceID) async throws {
        try await database.write { transaction in
            try transaction.execute(
                """
                INSERT INTO document (invoice, number, pdf, signature) VALUES (?, ?, ?, ?)
                ON CONFLICT (invoice) DO NOTHING
                """, id, document.number, document.pdf, document.signature)
        }
    }
}
