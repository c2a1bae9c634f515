import Contracts
import ServiceRuntime

/// The courier that carries paper invoices (I4).
struct Courier: Sendable {
    let client: Client<CourierAPI>

    func ship(_ shipment: Shipment) async throws {
        try await client.call(.ship, shipment, key: shipment.invoice.text)
    }

    /// nil while nothing was posted.
    func posting(of invoice: InvoiceID) async throws -> CourierNotice? {
        do {
            return try await client.call(.shipment, invoice)
        } catch let problem as Problem where problem.code == .notFound {
            return nil
        }
    }
}
