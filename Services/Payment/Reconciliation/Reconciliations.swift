import Contracts
import Cryptography
import Logging
import Persistence
import ServiceRuntime

/// Comparing the books, daily and on demand, and setting right what differs.
struct Reconciliations: Sendable {
    /// What moved this recently may still be on its way into one of the books.
    private static let settling = Duration.minutes(2)

    let store: Store
    let bank: Bank
    let insurers: Client<InsurerAPI>
    let providers: Client<ProviderAPI>
    let rules: PayoutRules
    let clock: ServiceClock
    let logger: Logger

    /// Takes the others' books in, and compares everything up to a moment ago.
    func reconcile(_ request: Reconcile) async throws -> Reconciliation {
        let now = clock.now
        if let file = try Self.bytes(request.bank, field: "/bank") {
            try await store.keep(BookFile.movements(file), at: now)
        } else {
            try await readBank()
        }
        for (side, given) in [(BookSide.insurer, request.insurers), (.provider, request.providers)] {
            if let file = try Self.bytes(given, field: "/\(side.rawValue)s") {
                try await store.keep(BookFile.settlements(file), of: side)
            } else {
                try await readBook(of: side)
            }
        }
        let result = try await store.compare(until: now - Self.settling, at: now)
        if !result.breaks.isEmpty {
            logger.error(
                "the books differ",
                metadata: ["reconciliation": "\(result.id)", "breaks": "\(result.breaks.count)"])
        }
        return result
    }

    private static func bytes(_ text: String?, field: String) throws -> [UInt8]? {
        guard let text else { return nil }
        guard let bytes = Base64.standard.decode(text) else {
            throw Problem(.invalidField, "must be Base64", field: field)
        }
        return bytes
    }

    private func readBank() async throws {
        while true {
            let position = try await store.bookPosition(of: .bank)
            let page = try await bank.statement(after: position)
            let movements: [Movement] = page.notices.compactMap { line in
                guard case .notice(let notice) = line, notice.kind != .payoutFailed else { return nil }
                var movement = Movement(
                    transaction: notice.transaction, isOutgoing: notice.kind == .payoutDone, amount: notice.amount,
                    at: notice.at)
                if notice.amount > .zero, let payer = notice.payer, notice.kind == .credit {
                    movement.credit = Credit(
                        transaction: notice.transaction, amount: notice.amount, reference: notice.reference ?? "",
                        payer: payer, isBasicAccount: notice.isBasicAccount ?? false, at: notice.at)
                }
                return movement
            }
            try await store.keep(movements, at: clock.now, position: page.position)
            if page.position == position { return }
        }
    }

    private func readBook(of side: BookSide) async throws {
        while true {
            let position = try await store.bookPosition(of: side)
            let query = StatementQuery(after: position)
            let page =
                side == .insurer ? try await insurers.call(.book, query) : try await providers.call(.book, query)
            try await store.keep(page.lines, of: side, position: page.position)
            if page.position == position { return }
        }
    }

    func report() async throws -> File {
        File(
            mediaType: "text/csv; charset=utf-8", name: "reconciliation.csv",
            bytes: BookFile.report(try await store.openBreaks(at: clock.now)))
    }

    func approve(_ id: BreakID, by person: Person, key: IdempotencyKey) async throws -> BookBreak {
        try await store.approveRepair(of: id, by: person.enterprise, rules: rules, at: clock.now, key: key)
    }

    /// Once a day, some time after midnight, whichever replica comes first.
    func reconcileDaily() async throws {
        let now = clock.now
        guard now >= Instant(startOf: now.day) + .hours(2), try await store.claimDay(now.day, at: now) else { return }
        do {
            _ = try await reconcile(Reconcile())
        } catch {
            try await store.giveBack(now.day)
            throw error
        }
    }
}
