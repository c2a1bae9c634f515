import Persistence
import ServiceRuntime

await serviceMain(
    .auth, migrate: { try await Database.migrate($0.databaseAddress(), authMigrations) }, build: authService)
