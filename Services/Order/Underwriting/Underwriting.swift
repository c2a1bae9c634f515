import Contracts
import Persistence
import ServiceRuntime

/// The review of an application (A8): the insurer's system, or a person at the insurer.
struct Underwriting: Sendable {
    let store: Store
    let regions: Regions
    let insurers: Insurers
    let auth: Client<AuthAPI>
    let clock: ServiceClock

    /// Applications that wait for the person's insurer.
    func cases(for person: Person) async throws -> [UnderwritingCase] {
        guard let insurer = person.insurer else { throw Problem(.notAllowed) }
        return try await store.referred(to: insurer)
    }

    /// The person's decision.
    func decide(_ id: OrderID, _ request: DecideUnderwriting, by person: Person, key: IdempotencyKey) async throws
        -> Nothing
    {
        if request.verdict != .approve, request.note == nil {
            throw Problem(.invalidField, "a reason or question is due", field: "/note")
        }
        guard request.verdict != .refer else {
            throw Problem(.invalidField, "is for insurers' systems", field: "/verdict")
        }
        let now = clock.now
        return try await store.database.once(key, at: now) { transaction in
            guard let (order, lot) = try transaction.orderAndLot(id), let insurer = order.insurer,
                insurer.id == person.insurer
            else { throw Problem(.notFound) }
            guard order.referral != nil else { throw Problem(.wrongState) }
            try Self.apply(request.verdict, note: request.note?.text, to: order, in: lot, transaction, at: now)
            return Nothing()
        }
    }

    /// The insurer's system answered, at once or later. An answer to what is decided changes nothing.
    ///
    /// - Parameter insurers: who says so; nil when we asked. Nobody decides on another insurer's orders.
    func take(_ notice: InsurerNotice, from insurers: Set<String>? = nil) async throws {
        let now = clock.now
        try await store.database.write { transaction in
            guard let (order, lot) = try transaction.orderAndLot(notice.order) else { throw Problem(.notFound) }
            if let insurers {
                guard let insurer = order.insurer, insurers.contains(insurer.id) else { throw Problem(.notFound) }
            }
            guard order.application == .reviewing, order.referral == nil else { return }
            try Self.apply(notice.verdict, note: notice.note, to: order, in: lot, transaction, at: now)
        }
    }

    /// The bidder answers the insurer's question.
    func giveInformation(_ id: OrderID, _ request: GiveInformation, by person: Person, key: IdempotencyKey) async throws
        -> OrderDetails
    {
        let now = clock.now
        guard let (order, _) = try await store.orderAndLot(id), order.enterprise == person.enterprise else {
            throw Problem(.notFound)
        }
        try await auth.permit(
            .apply, on: id, version: order.version, premium: order.quote?.premium ?? .zero, for: person.enterprise,
            as: person.standing)
        return try await store.database.once(key, at: now) { transaction in
            guard case (var order, let lot)? = try transaction.orderAndLot(id), order.enterprise == person.enterprise
            else {
                throw Problem(.notFound)
            }
            try order.advance(.giveInformation)
            order.answer = request.answer.text
            if order.referral == nil { try transaction.send(OrderMessage.askInsurer(id), at: now) }
            try transaction.update(&order, at: now)
            return order.details(in: lot)
        }
    }

    private static func apply(
        _ verdict: UnderwritingVerdict, note: String?, to order: InsuranceOrder, in lot: Lot,
        _ transaction: Transaction,
        at now: Instant
    ) throws {
        var order = order
        switch verdict {
        case .approve:
            // Approved after the deadline is of no use to anybody.
            try order.advance(lot.takesApplications(at: now) ? .approve : .expire)
            if order.application == .approved {
                try transaction.notify(order, "您的投保申请已审核通过，请尽快付款。", at: now)
            }
        case .reject:
            try order.advance(.reject)
            try transaction.notify(order, "您的投保申请未通过审核，请登录平台查看原因。", at: now)
        case .askInformation: try order.advance(.askInformation)
        case .refer: order.referral = [note ?? "保险公司转人工核保"]
        }
        order.underwritingNote = note
        try transaction.update(&order, at: now)
    }

    // MARK: Background

    func askInsurer(_ id: OrderID, isRepeated: Bool) async throws {
        guard let (order, lot) = try await store.orderAndLot(id), order.application == .reviewing, order.referral == nil
        else { return }
        let rules = try regions.rules(for: lot.details.region)
        let coverage = rules.coverage(
            opening: lot.details.opening, issuedAt: clock.now, validityDays: lot.details.validityDays)
        let answer = try await insurers.underwrite(order, coverage: coverage, isRepeated: isRepeated)
        if let verdict = answer.verdict {
            try await take(InsurerNotice(order: id, verdict: verdict, note: answer.note))
        }
    }

    /// Asks about reviews whose answer may have been lost.
    func askAgain() async throws {
        for id in try await store.reviewing(since: clock.now - .seconds(3)) {
            // One that cannot be asked about does not hide the others.
            if let answer = try? await insurers.underwriting(of: id), let verdict = answer.verdict {
                try await take(InsurerNotice(order: id, verdict: verdict, note: answer.note))
            }
        }
    }
}
