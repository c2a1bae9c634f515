import Contracts
import Cryptography
import Persistence
import ServiceRuntime

/// From choosing a lot to 立即投保 (A4 to A7).
struct Applications: Sendable {
    private static let largestPage = 100

    let store: Store
    let regions: Regions
    let auth: Client<AuthAPI>
    let clock: ServiceClock

    // MARK: Reading

    func order(_ id: OrderID, of person: Person) async throws -> OrderDetails {
        let (order, lot) = try await own(id, person)
        return order.details(in: lot)
    }

    func orders(_ query: PageQuery, of person: Person) async throws -> Page<OrderDetails> {
        let limit = query.limit ?? 20
        guard (1...Self.largestPage).contains(limit) else {
            throw Problem(.invalidField, "must lie between 1 and \(Self.largestPage)", field: "/limit")
        }
        return try await store.orders(of: person.enterprise, after: query.cursor, limit: limit)
    }

    /// Somebody else's order is as unknown as none.
    private func own(_ id: OrderID, _ person: Person) async throws -> (InsuranceOrder, Lot) {
        guard let (order, lot) = try await store.orderAndLot(id), order.enterprise == person.enterprise else {
            throw Problem(.notFound)
        }
        return (order, lot)
    }

    func draw(of id: OrderID, for person: Person) async throws -> DrawRecord {
        let (order, lot) = try await own(id, person)
        guard let draw = order.draw else { throw Problem(.wrongState, "no insurer was drawn yet") }
        return DrawRecord(
            order: draw.order, commitment: draw.commitment, candidates: draw.candidates, insurer: draw.insurer,
            drawnAt: draw.drawnAt, seed: lot.isOpened ? lot.seed.hex : nil)
    }

    // MARK: Draft (A4 to A6)

    func create(_ request: CreateOrder, by person: Person, key: IdempotencyKey) async throws -> OrderDetails {
        try person.demandAssigned()
        if let stored: OrderDetails = try await store.database.stored(key) { return stored }
        let profile = try await auth.call(.enterpriseForService, person.enterprise)
        guard profile.isSaved, let registered = profile.registered else { throw Problem(.enterpriseNotSaved) }
        let applicant = Applicant(
            name: registered.name, creditCode: registered.creditCode, basicAccount: registered.basicAccount)
        let now = clock.now
        let regions = regions
        return try await store.database.once(key, at: now) { transaction in
            guard let lot = try transaction.lot(request.lot) else { throw Problem(.lotUnknown) }
            guard lot.takesApplications(at: now) else { throw Problem(.lotClosed) }
            try Self.checkRegion(lot, person)
            guard try transaction.provider(request.provider) != nil else { throw Problem(.providerUnknown) }
            let order = InsuranceOrder(
                lot: lot, enterprise: person.enterprise, applicant: applicant, provider: request.provider,
                rulesVersion: try regions.rules(for: lot.details.region).version, at: now)
            guard try transaction.insert(order) else { throw Problem(.orderExists) }
            return order.details(in: lot)
        }
    }

    func saveDraft(_ id: OrderID, _ request: SaveDraft, by person: Person) async throws -> OrderDetails {
        let now = clock.now
        if let birthday = request.handler?.citizenID.birthday, birthday > now.day {
            throw Problem(.invalidField, "the birth date lies in the future", field: "/handler/citizenID")
        }
        return try await change(id, of: person) { order, lot, transaction in
            try order.require(version: request.version)
            try order.advance(.edit)
            if let provider = request.provider {
                guard try transaction.provider(provider) != nil else { throw Problem(.providerUnknown) }
                order.provider = provider
            }
            if let handler = request.handler { order.handler = handler }
            order.quote = nil
        }
    }

    /// One page to check it all (A6).
    func summary(of id: OrderID, for person: Person) async throws -> ApplicationSummary {
        let (order, lot) = try await own(id, person)
        let profile = try await auth.call(.enterpriseForService, person.enterprise)
        guard let provider = try await store.providers().first(where: { $0.id == order.provider }) else {
            throw Problem(.providerUnknown)
        }
        let now = clock.now
        let rules = try regions.rules(for: lot.details.region)
        var shown = order
        if shown.quote == nil { shown.quote = quote(for: order, in: lot, from: provider, rules: rules, at: now) }
        var warnings: [String] = []
        if lot.details.deposit > depositCap(estimate: lot.details.estimate, kind: lot.details.kind) {
            warnings.append("deposit_above_cap")
        }
        if profile.registered?.creditCode.hasValidOrganisationCode == false {
            warnings.append("organisation_code_check")
        }
        return ApplicationSummary(
            order: shown.details(in: lot), lot: lot.published, provider: provider, enterprise: profile,
            coverage: rules.coverage(
                opening: lot.details.opening, issuedAt: now, validityDays: lot.details.validityDays),
            missing: order.handler == nil ? ["handler"] : [], warnings: warnings)
    }

    private func quote(
        for order: InsuranceOrder, in lot: Lot, from provider: ProviderDetails, rules: RegionRules, at now: Instant
    ) -> Quote {
        let premium = premium(for: order.deposit, from: provider)
        return Quote(
            premium: premium, ratePerMillion: provider.ratePerMillion, rulesVersion: rules.version,
            validUntil: min(now + .hours(rules.quoteValidHours), lot.details.opening),
            commission: provider.commissionPerMillion.map { premium.share($0, of: 1_000_000) })
    }

    /// 提交申请 (A6): everything is there, and the quote is fixed.
    func submit(_ id: OrderID, _ request: AtVersion, by person: Person, key: IdempotencyKey) async throws
        -> OrderDetails
    {
        let now = clock.now
        return try await change(id, of: person, key: key) { order, lot, transaction in
            try order.require(version: request.version)
            guard lot.takesApplications(at: now) else { throw Problem(.lotClosed) }
            guard order.handler != nil else { throw Problem(.applicationIncomplete, field: "/handler") }
            guard let provider = try transaction.provider(order.provider) else { throw Problem(.providerUnknown) }
            try order.advance(.complete)
            let rules = try regions.rules(for: lot.details.region)
            order.quote = quote(for: order, in: lot, from: provider, rules: rules, at: now)
        }
    }

    // MARK: 立即投保 (A7)

    func insure(_ id: OrderID, _ request: Insure, by person: Person, key: IdempotencyKey) async throws -> OrderDetails {
        if let stored: OrderDetails = try await store.database.stored(key) { return stored }
        let (order, lot) = try await own(id, person)
        // Refused before the code is used up: the person keeps it for the next try.
        try Self.check(order, lot, request, at: clock.now)
        try Self.checkRegion(lot, person)
        try await permit(.apply, on: order, for: person)
        let stepUp = try await auth.call(
            .checkStepUp,
            CheckStepUp(
                enterprise: person.enterprise, consent: request.consent, smsCode: request.smsCode, code: request.code),
            key: sha256(Array(key.text.utf8)).hex)
        let now = clock.now
        return try await change(id, of: person, key: key) { order, lot, transaction in
            try Self.check(order, lot, request, at: now)
            guard let provider = try transaction.provider(order.provider) else { throw Problem(.providerUnknown) }
            order.stepUp = stepUp
            try order.advance(.submit)
            guard let insurer = Draw.insurer(for: order.id, among: provider.insurers, seed: lot.seed) else {
                throw Problem(.unavailable, "the provider has no insurer at present")
            }
            order.insurer = insurer
            order.draw = DrawRecord(
                order: order.id, commitment: lot.commitment, candidates: provider.insurers, insurer: insurer.id,
                drawnAt: now, seed: nil)
            try order.advance(.draw)
            try order.advance(.startReview)
            let rules = try regions.rules(for: lot.details.region)
            switch underwritingDecision(deposit: order.deposit, rules: rules) {
            case .pass: try transaction.send(OrderMessage.askInsurer(order.id), at: now)
            case .refer(let reasons): order.referral = reasons
            case .refuse(let reason):
                try order.advance(.reject)
                order.underwritingNote = reason
            }
        }
    }

    /// Each trading centre says whose certificates it takes.
    private static func checkRegion(_ lot: Lot, _ person: Person) throws {
        guard person.regions?.contains(lot.details.region) != false else { throw Problem(.regionNotCovered) }
    }

    private static func check(_ order: InsuranceOrder, _ lot: Lot, _ request: Insure, at now: Instant) throws {
        try order.require(version: request.version)
        guard lot.takesApplications(at: now) else { throw Problem(.lotClosed) }
        _ = try order.application.applying(.submit)
        guard let quote = order.quote, now < quote.validUntil else { throw Problem(.quoteExpired) }
    }

    func cancel(_ id: OrderID, by person: Person) async throws -> OrderDetails {
        let (order, _) = try await own(id, person)
        try await permit(.apply, on: order, for: person)
        return try await change(id, of: person) { order, _, _ in
            guard order.payment == .none else { throw Problem(.wrongState, "a payment is under way") }
            try order.advance(.cancel)
        }
    }

    /// What the order may cost is not known before it has a quote; until then nothing of it binds anybody.
    private func permit(_ right: Right, on order: InsuranceOrder, for person: Person) async throws {
        try await auth.permit(
            right, on: order.id, version: order.version, premium: order.quote?.premium ?? .zero,
            for: person.enterprise, as: person.standing)
    }

    // MARK: One change

    private typealias Change = @Sendable (inout InsuranceOrder, Lot, Transaction) throws -> Void

    /// Loads the person's order, changes it and saves it, in one transaction.
    private func change(
        _ id: OrderID, of person: Person, key: IdempotencyKey? = nil, _ change: @escaping Change
    ) async throws -> OrderDetails {
        try person.demandAssigned()
        let now = clock.now
        let body: @Sendable (Transaction) throws -> OrderDetails = { transaction in
            guard case (var order, let lot)? = try transaction.orderAndLot(id), order.enterprise == person.enterprise
            else {
                throw Problem(.notFound)
            }
            try change(&order, lot, transaction)
            try transaction.update(&order, at: now)
            return order.details(in: lot)
        }
        guard let key else { return try await store.database.write(body) }
        return try await store.database.once(key, at: now, body)
    }
}
