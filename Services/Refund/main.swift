import Persistence
import ServiceRuntime

await serviceMain(
    .refund, migrate: { try await Database.migrate($0.databaseAddress(), refundMigrations) }, build: refundService)
