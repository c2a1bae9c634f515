import Contracts

/// Checks a request for an invoice against what the region offers and what the form needs (I2).
///
/// - Throws: ``Problem`` with the field that is missing.
func check(_ request: RequestInvoice, offered: [InvoiceForm]) throws(Problem) {
    guard offered.contains(request.form) else { throw Problem(.invoiceKindNotOffered, field: "/form") }
    if request.form.isSpecial {
        // A paper special invoice is void without these four (tax rules on special invoices).
        let missing = [
            ("address", request.buyer.address == nil), ("phone", request.buyer.phone == nil),
            ("bank", request.buyer.bank == nil), ("account", request.buyer.account == nil),
        ].first { $0.1 }
        if let missing { throw Problem(.invalidField, "a special invoice needs it", field: "/buyer/\(missing.0)") }
    }
    if request.form.isPaper {
        guard request.recipient != nil else {
            throw Problem(.invalidField, "a paper invoice needs it", field: "/recipient")
        }
    } else {
        guard request.buyer.email != nil else {
            throw Problem(.invalidField, "an electronic invoice needs it", field: "/buyer/email")
        }
    }
}

/// Whether a number is one that the tax platform gives: 20 digits for fully digital invoices, 8 for paper.
func isInvoiceNumber(_ number: String, of form: InvoiceForm) -> Bool {
    number.utf8.count == (form.isPaper ? 8 : 20) && number.utf8.allSatisfy { (0x30...0x39).contains($0) }
}
