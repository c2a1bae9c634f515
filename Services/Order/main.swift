import Persistence
import ServiceRuntime

await serviceMain(
    .order, migrate: { try await Database.migrate($0.databaseAddress(), orderMigrations) }, build: orderService)
