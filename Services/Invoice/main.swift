import Persistence
import ServiceRuntime

await serviceMain(
    .invoice, migrate: { try await Database.migrate($0.databaseAddress(), invoiceMigrations) }, build: invoiceService)
