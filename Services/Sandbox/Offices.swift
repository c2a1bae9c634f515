import Contracts
import Persistence
import ServiceRuntime

/// SMS gateway, tax platform and courier (A7, A10, I2 to I4).
struct Offices: Sendable {
    let database: Database
    let faults: Faults
    let clock: ServiceClock

    func addRoutes(
        to sandbox: Routes<SandboxAPI>, and sms: Routes<SMSGatewayAPI>, _ tax: Routes<TaxPlatformAPI>,
        _ courier: Routes<CourierAPI>
    ) {
        sms.on(.send) { call in
            try await faults.around("sms.send", about: call.body.to.text) { _ in
                try await database.once(call.key, at: clock.now) { transaction in
                    try transaction.execute(
                        "INSERT INTO message (mobile, text) VALUES (?, ?)", call.body.to, call.body.text)
                    return Nothing()
                }
            }
        }
        sandbox.on(.messages) { call in
            try await database.read { transaction in
                try transaction.rows("SELECT text FROM message WHERE mobile = ? ORDER BY number", call.body.mobile).map
                {
                    TextMessage(to: call.body.mobile, text: try $0["text"])
                }
            }
        }
        tax.on(.issue) { call in
            try await faults.around("tax.issue", about: call.body.buyer.taxNumber.text) {
                try await issue(call.body, $0)
            }
        }
        tax.on(.status) { call in
            try await database.read { try $0.required("tax", call.id.text) as TaxNotice }
        }
        courier.on(.ship) { call in
            try await faults.around("courier.ship", about: call.body.recipient.mobile.text) {
                try await ship(call.body, $0)
            }
        }
        courier.on(.shipment) { call in
            try await database.read { try $0.required("shipment", call.id.text) as CourierNotice }
        }
    }

    private func issue(_ request: TaxInvoiceRequest, _ treatment: Treatment) async throws -> Nothing {
        let now = clock.now
        return try await database.write { transaction in
            let year = now.day.components.year % 100
            // Twenty digits: year, region, channel, sequence; paper has eight.
            let number =
                request.form.isPaper
                ? String(UInt32.random(in: 10_000_000...99_999_999))
                : "\(year)341" + String(UInt64.random(in: 100_000_000_000_000...999_999_999_999_999))
            let notice =
                treatment.refuses
                ? TaxNotice(invoice: request.invoice, outcome: .failed, number: nil, issuedAt: nil, note: "税局退回")
                : TaxNotice(invoice: request.invoice, outcome: .issued, number: number, issuedAt: now, note: nil)
            if try transaction.keep("tax", request.invoice.text, notice) {
                try treatment.send(.tax(notice), in: transaction, at: now)
            }
            return Nothing()
        }
    }

    private func ship(_ request: Shipment, _ treatment: Treatment) async throws -> Nothing {
        let now = clock.now
        return try await database.write { transaction in
            let notice = CourierNotice(
                invoice: request.invoice, courier: try Words("邮政特快专递"),
                trackingNumber: "EMS\(UInt64.random(in: 1_000_000_000...9_999_999_999))")
            if try transaction.keep("shipment", request.invoice.text, notice) {
                try treatment.send(.courier(notice), in: transaction, at: now)
            }
            return Nothing()
        }
    }
}
