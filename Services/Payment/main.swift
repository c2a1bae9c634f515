import Persistence
import ServiceRuntime

await serviceMain(
    .payment, migrate: { try await Database.migrate($0.databaseAddress(), paymentMigrations) }, build: paymentService)
