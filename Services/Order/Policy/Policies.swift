import Contracts
import Cryptography
import Documents
import Persistence
import ServiceRuntime

/// Issuing, opening and handing out policies (A10 to A12).
struct Policies: Sendable {
    let store: Store
    let regions: Regions
    let insurers: Insurers
    let signer: DocumentSigner
    let portalAddress: String
    let clock: ServiceClock

    // MARK: For the bidder

    func details(of id: OrderID, for person: Person) async throws -> PolicyDetails {
        let (order, _) = try await own(id, person)
        guard let issued = order.issued, let insurer = order.insurer, let coverage = order.coverage else {
            throw Problem(.wrongState, "no policy is issued")
        }
        let document = order.endorsement == nil ? nil : try await store.document(of: id)
        return PolicyDetails(
            number: issued.number, state: order.policy, insurer: insurer, amount: order.deposit, coverage: coverage,
            issuedAt: issued.issuedAt, documentHash: document.map { sha256($0.pdf).hex },
            verificationCode: document == nil ? nil : order.verificationCode)
    }

    /// 下载保单 (A12).
    func file(of id: OrderID, for person: Person) async throws -> File {
        let (number, document) = try await openDocument(of: id, for: person)
        return File(mediaType: "application/pdf", name: "policy-\(number).pdf", bytes: document.pdf)
    }

    func signature(of id: OrderID, for person: Person) async throws -> File {
        let (number, document) = try await openDocument(of: id, for: person)
        return File(mediaType: "application/pkcs7-signature", name: "policy-\(number).p7s", bytes: document.signature)
    }

    private func openDocument(of id: OrderID, for person: Person) async throws -> (String, SignedDocument) {
        let (order, lot) = try await own(id, person)
        guard let issued = order.issued else { throw Problem(.wrongState, "no policy is issued") }
        switch order.policy {
        case .none, .issuing, .issueFailed, .surrendering, .surrendered: throw Problem(.wrongState)
        case .sealed: throw lot.isOpened ? Problem(.documentNotReady, retryAfter: .seconds(1)) : Problem(.policySealed)
        case .opening: throw Problem(.documentNotReady, retryAfter: .seconds(1))
        case .open, .expired, .released, .claimed: break
        }
        guard let document = try await store.document(of: id) else { throw Problem(.documentNotReady) }
        return (issued.number, document)
    }

    private func own(_ id: OrderID, _ person: Person) async throws -> (InsuranceOrder, Lot) {
        guard let (order, lot) = try await store.orderAndLot(id), order.enterprise == person.enterprise else {
            throw Problem(.notFound)
        }
        return (order, lot)
    }

    // MARK: For everybody

    /// The public page: number and code together, so that numbers cannot be tried out.
    func verify(_ request: VerifyPolicy) async throws -> PolicyVerification {
        guard let (order, lot) = try await store.order(policyNumber: request.number), let issued = order.issued,
            let code = order.verificationCode, let insurer = order.insurer, let coverage = order.coverage,
            isEqualInConstantTime(Array(code.utf8), Array(request.code.utf8))
        else { throw Problem(.notFound) }
        guard order.endorsement != nil, let document = try await store.document(of: order.id) else {
            throw Problem(.policySealed)
        }
        return PolicyVerification(
            number: issued.number, state: order.policy, insurer: insurer.name, bidder: order.applicant.name,
            tenderee: lot.details.tenderee, lot: lot.details.name, amount: order.deposit, coverage: coverage,
            documentHash: sha256(document.pdf).hex)
    }

    /// What an invoice is made from (I1).
    func invoiceBasis(of id: OrderID, for enterprise: EnterpriseID) async throws -> InvoiceBasis {
        guard let (order, lot) = try await store.orderAndLot(id), order.enterprise == enterprise else {
            throw Problem(.notFound)
        }
        guard lot.isOpened else { throw Problem(.invoiceBeforeOpening) }
        guard order.policy == .open, let issued = order.issued, let insurer = order.insurer, let quote = order.quote
        else {
            throw order.policy == .opening ? Problem(.documentNotReady, retryAfter: .seconds(1)) : Problem(.wrongState)
        }
        let rules = try regions.rules(for: lot.details.region)
        return InvoiceBasis(
            order: id, policyNumber: issued.number, insurer: insurer, premium: quote.premium,
            vatPercent: rules.vatPercent, offered: rules.invoices)
    }

    // MARK: Background

    /// Gets the policy from the insurer and tells the bidder (A10). An insurer that refuses a paid policy costs the
    /// bidder nothing: the premium goes back.
    func issue(_ id: OrderID, isRepeated: Bool) async throws {
        guard let (order, lot) = try await store.orderAndLot(id), order.policy == .issuing else { return }
        let rules = try regions.rules(for: lot.details.region)
        let now = clock.now
        let coverage =
            order.coverage
            ?? rules.coverage(opening: lot.details.opening, issuedAt: now, validityDays: lot.details.validityDays)
        let issued: IssuedPolicy
        do {
            issued = try await insurers.issue(order, coverage: coverage, isRepeated: isRepeated)
        } catch let problem as Problem where [400, 409, 422].contains(problem.code.status) {
            // It does not take the order, now or ever; but the first word that it gave counts.
            guard let known = try await insurers.issued(id) else { return try await fail(id) }
            issued = known
        }
        let code = String(randomBytes(6).hex.prefix(10)).uppercased()
        let document = try draw(order, lot, issued, coverage, code: code, endorsement: nil)
        try await store.database.write { transaction in
            guard case (var order, let lot)? = try transaction.orderAndLot(id), order.policy == .issuing else { return }
            try order.advance(PolicyState.Event.issue)
            try order.advance(ApplicationState.Event.issue)
            order.issued = issued
            order.coverage = coverage
            order.verificationCode = code
            try transaction.keep(document, of: id)
            if let insurer = order.insurer, let quote = order.quote {
                try transaction.send(
                    OrderMessage.toPayment(
                        id,
                        .policyIssued(
                            PolicyIssued(
                                order: id, policyNumber: issued.number, insurer: insurer.id, provider: order.provider,
                                premium: quote.premium, commission: quote.commission ?? .zero,
                                vatPercent: rules.vatPercent))), at: now)
            }
            try transaction.notify(
                order, "投保成功，视为已经购买投标保证保险，保单号 \(issued.number)。开标前无需下载保单。", at: now)
            if lot.isOpened { try Self.open(&order, transaction, at: now) }
            try transaction.update(&order, at: now)
        }
    }

    private func fail(_ id: OrderID) async throws {
        let now = clock.now
        try await store.database.write { transaction in
            guard var (order, _) = try transaction.orderAndLot(id), order.policy == .issuing,
                let paymentOrder = order.paymentOrder ?? order.instruction?.paymentOrder
            else { return }
            try order.advance(PolicyState.Event.fail)
            try transaction.send(OrderMessage.returnPayment(id, paymentOrder, .orderClosed), at: now)
            try transaction.update(&order, at: now)
        }
    }

    /// Gets the endorsement with the plain data and makes the open policy (A12).
    func endorse(_ id: OrderID) async throws {
        guard let (order, lot) = try await store.orderAndLot(id), order.policy == .opening, let issued = order.issued,
            let coverage = order.coverage, let code = order.verificationCode
        else { return }
        let endorsement = try await insurers.endorse(issued.number, of: order, lot: lot.details)
        let document = try draw(order, lot, issued, coverage, code: code, endorsement: endorsement.number)
        let now = clock.now
        try await store.database.write { transaction in
            guard var (order, _) = try transaction.orderAndLot(id), order.policy == .opening else { return }
            try order.advance(PolicyState.Event.endorse)
            order.endorsement = endorsement
            try transaction.keep(document, of: id)
            try transaction.update(&order, at: now)
        }
    }

    /// The bids are opened.
    static func open(_ order: inout InsuranceOrder, _ transaction: Transaction, at now: Instant) throws {
        try order.advance(PolicyState.Event.openBids)
        try transaction.send(OrderMessage.endorse(order.id), at: now)
    }

    /// Draws and signs the policy: sealed without an endorsement, open with one.
    private func draw(
        _ order: InsuranceOrder, _ lot: Lot, _ issued: IssuedPolicy, _ coverage: CoveragePeriod, code: String,
        endorsement: String?
    ) throws -> SignedDocument {
        guard let insurer = order.insurer, let quote = order.quote else { throw Problem(.wrongState) }
        let isSealed = endorsement == nil
        let token = "（密文）\(order.lotToken)"
        let pdf = try policyPDF(
            PolicyText(
                number: issued.number, insurer: insurer.name, insurerCreditCode: insurer.creditCode,
                bidder: order.applicant.name, bidderCreditCode: order.applicant.creditCode,
                tenderee: isSealed ? token : lot.details.tenderee.text,
                project: isSealed ? token : "\(lot.details.projectName.text)（\(lot.details.projectNumber.text)）",
                lot: isSealed ? token : "\(lot.details.name.text)（\(lot.details.number.text)）", amount: order.deposit,
                premium: quote.premium, coverage: coverage, issuedAt: issued.issuedAt, isSealed: isSealed,
                endorsement: endorsement, verificationAddress: "\(portalAddress)/verify/\(issued.number)",
                verificationCode: code))
        return SignedDocument(pdf: pdf, signature: try signer.sign(pdf))
    }
}

/// A document and its detached signature.
struct SignedDocument: Sendable {
    let pdf: [UInt8]
    let signature: [UInt8]
}
