import Contracts
import ServiceRuntime

/// The tax platform (I2). The invoice's own ID is the key of the call.
struct TaxPlatform: Sendable {
    let client: Client<TaxPlatformAPI>

    func issue(_ request: TaxInvoiceRequest) async throws {
        try await client.call(.issue, request, key: request.invoice.text)
    }

    /// nil while the platform has nothing to say.
    func outcome(of invoice: InvoiceID) async throws -> TaxNotice? {
        do {
            return try await client.call(.status, invoice)
        } catch let problem as Problem where problem.code == .notFound {
            return nil
        }
    }
}
