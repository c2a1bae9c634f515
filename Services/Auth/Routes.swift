import Contracts
import Persistence
import ServiceRuntime

/// HTTP in, Contracts out (A1 to A3, A7).
func addRoutes(
    to routes: Routes<AuthAPI>, database: Database, logins: Logins, sessions: Sessions, enterprises: Enterprises,
    handlers: Handlers, stepUps: StepUps, clock: ServiceClock
) {
    routes.on(.keys) { _ in sessions.keySet }
    routes.on(.revokedSessions) { _ in try await sessions.revoked() }
    routes.on(.refreshSession) { call in
        try await sessions.refresh(call.body, certificate: nil, from: call.address)
    }
    routes.on(.sessions) { call in try await sessions.list(for: call.person) }
    routes.on(.endSession) { call in try await sessions.end(call.id, by: call.person) }
    routes.on(.endAllSessions) { call in try await sessions.end(nil, by: call.person) }
    routes.on(.block) { call in
        try await sessions.set(call.body, by: "tool")
        return Nothing()
    }
    routes.on(.startChallenge) { call in try await logins.startChallenge(from: call.address) }
    routes.on(.answerChallenge, .offLoop) { call in
        try await logins.answer(call.id, call.body, from: call.address)
    }
    routes.on(.exchangeLoginCode, .offLoop) { call in
        try await logins.exchange(call.body, from: call.address)
    }
    routes.on(.handOff) { call in try await logins.handOff(call.body.ticket, from: call.address) }

    routes.on(.enterprise) { call in try await enterprises.profile(of: call.person.enterprise) }
    routes.on(.synchroniseEnterprise) { call in try await enterprises.synchronise(call.person) }
    routes.on(.saveEnterprise) { call in try await enterprises.save(call.body, by: call.person) }
    routes.on(.enterpriseForService) { call in try await enterprises.profile(of: call.id) }

    routes.on(.inviteHandler) { call in try await handlers.invite(call.body, by: call.person, key: call.key) }
    routes.on(.handlers) { call in try await handlers.list(for: call.person) }
    routes.on(.setRights) { call in try await handlers.set(call.body, of: call.id, by: call.person) }
    routes.on(.endHandler) { call in try await handlers.end(call.id, by: call.person) }
    routes.on(.acceptInvitation) { call in try await handlers.accept(call.body, by: call.person) }
    routes.on(.certificates) { call in try await handlers.certificates(for: call.person) }
    routes.on(.assignCertificate) { call in try await handlers.assign(call.body, by: call.person) }
    routes.on(.permit) { call in
        try await handlers.permit(call.body)
        return Nothing()
    }
    routes.on(.approvals) { call in try await handlers.approvals(for: call.person) }
    routes.on(.decideApproval) { call in try await handlers.decide(call.id, call.body, by: call.person) }

    routes.on(.notice) { _ in currentNotice }
    routes.on(.giveConsent) { call in try await stepUps.giveConsent(call.body, by: call.person, key: call.key) }
    routes.on(.createCaptcha, .offLoop) { call in
        try await stepUps.createCaptcha(call.body.form, for: call.person, from: call.address)
    }
    routes.on(.askSMSCode) { call in
        try await stepUps.sendCode(call.body, to: call.person, from: call.address, key: call.key)
    }
    routes.on(.checkStepUp) { call in try await stepUps.check(call.body, key: call.key) }

    routes.on(.deadLetters) { _ in try await database.deadLetters() }
    routes.on(.replayDeadLetter) { call in
        try await database.replayDeadLetter(call.id, at: clock.now)
        return Nothing()
    }
}
