import Contracts
import Cryptography
import Persistence
import ServiceRuntime

/// The bank (A9, R6): one account of the platform, transfers in, payouts, a statement.
struct Bank: Sendable {
    let database: Database
    let faults: Faults
    let clock: ServiceClock

    func addRoutes(to sandbox: Routes<SandboxAPI>, and bank: Routes<BankAPI>) {
        bank.on(.collectionAccount) { _ in try Self.collectionAccount() }
        bank.on(.payOut) { call in
            try await faults.around("bank.payout", about: call.body.to.number.text) { try await payOut(call.body, $0) }
        }
        bank.on(.payoutStatus) { call in
            try await database.read { try $0.required("payout", call.id.text) as BankPayoutStatus }
        }
        bank.on(.statement) { call in try await statement(after: call.body.after) }
        sandbox.on(.transfer) { call in
            try await faults.around("bank.transfer", about: call.body.reference) { try await transfer(call.body, $0) }
        }
        sandbox.on(.movements) { _ in try await movements() }
    }

    static func collectionAccount() throws -> AccountReference {
        AccountReference(
            name: try Words("宣城保函服务平台保费专户"), number: try AccountNumber("1317090019200098765"),
            bank: try Words("中国工商银行宣城分行营业部"), branch: try BranchNumber("102377100018"))
    }

    private func transfer(_ request: BankTransfer, _ treatment: Treatment) async throws -> BankMovement {
        let now = clock.now
        let notice = BankNotice(
            transaction: "B" + randomBytes(8).hex.uppercased(), kind: .credit, amount: request.amount,
            reference: request.reference, payer: request.from, isBasicAccount: request.isBasicAccount, key: nil, at: now
        )
        let movement = BankMovement(
            transaction: notice.transaction, isIncoming: true, amount: request.amount, counterpart: request.from,
            purpose: request.reference)
        try await database.write { try Self.book(movement, notice, treatment, in: $0, at: now) }
        return movement
    }

    private func payOut(_ request: BankPayout, _ treatment: Treatment) async throws -> BankPayoutStatus {
        let now = clock.now
        let transactionNumber = "B" + randomBytes(8).hex.uppercased()
        let notice = BankNotice(
            transaction: transactionNumber, kind: treatment.refuses ? .payoutFailed : .payoutDone,
            amount: request.amount,
            reference: nil, payer: nil, isBasicAccount: nil, key: request.key, at: now)
        try await database.write { transaction in
            let isNew = try transaction.keep(
                "payout", request.key.text,
                BankPayoutStatus(state: treatment.refuses ? .failed : .done, transaction: transactionNumber))
            guard isNew else { return }
            // A refused payout moves nothing, and stands in the statement all the same.
            try Self.book(
                BankMovement(
                    transaction: transactionNumber, isIncoming: false,
                    amount: treatment.refuses ? .zero : request.amount,
                    counterpart: request.to, purpose: request.purpose), notice, treatment, in: transaction, at: now)
        }
        return BankPayoutStatus(state: .sending, transaction: nil)
    }

    private static func book(
        _ movement: BankMovement, _ notice: BankNotice, _ treatment: Treatment, in transaction: Transaction,
        at now: Instant
    ) throws {
        try transaction.execute(
            "INSERT INTO movement (details, notice) VALUES (?, ?)", JSONColumn(movement), JSONColumn(notice))
        try treatment.send(.bank(notice), in: transaction, at: now)
    }

    private func statement(after position: Int) async throws -> BankStatement {
        let now = clock.now
        return try await database.read { transaction in
            let rows = try transaction.rows(
                "SELECT number, notice FROM movement WHERE number > ? ORDER BY number LIMIT 500", position)
            return BankStatement(
                notices: try rows.map { .notice((try $0["notice"] as JSONColumn<BankNotice>).value) },
                position: try rows.last?["number"] ?? position, at: now)
        }
    }

    private func movements() async throws -> [BankMovement] {
        try await database.read { transaction in
            try transaction.rows("SELECT details FROM movement ORDER BY number").map { row in
                (try row["details"] as JSONColumn<BankMovement>).value
            }
        }
    }
}
