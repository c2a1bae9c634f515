import Contracts
import Cryptography
import Foundation

/// The walk through the manual: A1 to A12, R1 to R6, I1 to I4, with the refusals that the manual promises.
struct Walk {
    let world: World
    let narrator: Narrator

    func run() async throws {
        let samples = try SampleBidder.all()
        for sample in samples { try await world.sandbox.call(.registerEnterprise, sample.registered) }

        narrator.heading(.init("一、投保", "Taking out a guarantee"))
        let bidder = try await logIn(samples[0])
        let main = try await world.publishLot("道路工程施工一标段")
        try await refuseUnsaved(bidder, main)
        try await enterprise(bidder)
        let order = try await apply(bidder, main)
        try await pay(bidder, order)
        try await sealed(bidder, order)
        let (referred, referredLot) = try await referToPerson(bidder)

        narrator.heading(.init("二、退保", "Giving it back"))
        try await giveBack(bidder)
        try await terminated(samples[1])

        narrator.heading(.init("三、开标", "Opening"))
        try await open([main, referredLot])
        let later = try await Agent.logIn(samples[0], in: world)
        let number = try await download(later, order)
        try await tooLateToGiveBack(later, order)

        narrator.heading(.init("四、发票", "Invoice"))
        try await electronicInvoice(later, order)
        try await paperInvoice(later, referred)

        try await summary(later, order, policyNumber: number)
    }

    // MARK: A1, A2

    private func logIn(_ sample: SampleBidder) async throws -> Agent {
        let agent = try await narrator.step(
            "A1", .init("CA 证书登录（双向 TLS）", "Log in with the CA certificate (mutual TLS)")
        ) {
            let agent = try await Agent.logIn(sample, in: world)
            return (agent, .init("\(agent.session.name) \(agent.session.creditCode)"))
        }
        _ = try await narrator.step("A1", .init("签名挑战登录（RSA 证书）", "Log in by signing a challenge (RSA certificate)")) {
            let agent = try await Agent.logInByChallenge(try SampleBidder.all()[1], in: world)
            return (agent, .init("\(agent.session.name) \(agent.session.creditCode)"))
        }
        _ = try await narrator.step("A1", .init("国密 SM2 证书登录（P7 签名）", "Log in with an SM2 certificate (P7 signature)"))
        {
            let session = try await Agent.answerByMessage(
                try await world.auth.call(.startChallenge), with: "\(sample.certificate)-sm2", in: world)
            guard session.enterprise == agent.session.enterprise else {
                throw Narrator.Failed(description: "the same enterprise is not recognised")
            }
            return ((), .init("\(session.name) \(session.creditCode)"))
        }
        try world.deployment.pki.issueCALock(
            "encryption-only", name: sample.registered.name, creditCode: sample.registered.creditCode, key: .p256()
        ) { $0.keyUsage = "critical,keyEncipherment,dataEncipherment" }
        try await narrator.refusal(
            "A1", .init("用加密证书登录", "Log in with the encryption certificate"), .certificateEncryption
        ) {
            try await Agent.answer(try await world.auth.call(.startChallenge), with: "encryption-only", in: world)
        }
        let lot = try await world.publishLot("绿化工程施工标段")
        let ticket = try await narrator.step(
            "A2", .init("从交易平台跳转，标段已选", "Handed over by the trading platform, lot chosen")
        ) {
            let (handed, ticket) = try await Agent.handOff(sample, to: lot.id, in: world)
            guard handed.session.lot == lot.id else { throw Narrator.Failed(description: "the lot is lost") }
            return (ticket, .init(lot.name.text))
        }
        try await narrator.refusal("A2", .init("同一凭证再用一次", "The same ticket again"), .ticketInvalid) {
            try await world.auth.call(.handOff, ticket)
        }
        return agent
    }

    // MARK: A3

    private func refuseUnsaved(_ bidder: Agent, _ lot: LotDetails) async throws {
        let profile = try await world.auth.on(behalfOf: bidder.session).call(.enterprise)
        guard !profile.isSaved else { return }
        try await narrator.refusal(
            "A3", .init("未保存企业信息就申请", "Apply before the enterprise is saved"), .enterpriseNotSaved
        ) {
            try await bidder.order(for: lot.id)
        }
    }

    private func enterprise(_ bidder: Agent) async throws {
        let synchronised = try await narrator.step("A3", .init("同步企业信息", "Synchronise the enterprise's data")) {
            let profile = try await bidder.synchronise()
            return (profile, .init(profile.registered?.basicAccount.bank.text ?? ""))
        }
        _ = try await narrator.step("A3", .init("保存企业信息", "Save the enterprise's data")) {
            (try await bidder.save(synchronised), .init("已保存", "saved"))
        }
    }

    // MARK: A4 to A8

    private func apply(_ bidder: Agent, _ lot: LotDetails) async throws -> OrderDetails {
        _ = try await narrator.step("A4", .init("选择项目标段", "Choose project and lot")) {
            let page = try await bidder.openLots("一标段")
            guard page.items.contains(where: { $0.id == lot.id }) else { throw Problem(.lotUnknown) }
            return ((), .init("\(lot.name) ￥\(lot.deposit)"))
        }
        var order = try await narrator.step("A5", .init("选择工保网", "Choose the provider")) {
            let providers = try await bidder.providers()
            guard let provider = providers.first(where: { $0.id == "gongbao" }) else { throw Problem(.providerUnknown) }
            let order = try await bidder.order(for: lot.id, provider: provider.id)
            return (
                order,
                .init(
                    "\(provider.name)，\(provider.insurers.count) 家保险公司",
                    "\(provider.name), \(provider.insurers.count) insurers")
            )
        }
        try await narrator.refusal("A5", .init("同一标段再申请一次", "A second order for the same lot"), .orderExists) {
            try await bidder.order(for: lot.id)
        }
        order = try await narrator.step(
            "A6", .init("完善经办人信息（草稿可续填）", "Complete the handler's data (a draft that can be resumed)")
        ) {
            let saved = try await bidder.saveDraft(order)
            let resumed = try await bidder.order(saved.id)
            guard resumed.handler == bidder.sample.handler else {
                throw Narrator.Failed(description: "the draft is lost")
            }
            return (resumed, .init(bidder.sample.handler.name.text))
        }
        order = try await narrator.step("A6", .init("核对并提交申请", "Check everything and submit")) {
            let summary = try await bidder.summary(order.id)
            guard summary.missing.isEmpty else { throw Problem(.applicationIncomplete) }
            let submitted = try await bidder.submit(order)
            return (
                submitted,
                .init("保费 ￥\(submitted.quote?.premium.text ?? "")", "premium ￥\(submitted.quote?.premium.text ?? "")")
            )
        }
        try await narrator.refusal("A7", .init("图形验证码填错", "A wrong captcha"), .captchaWrong) {
            try await bidder.askCode(try await bidder.captcha(), answer: "00000")
        }
        let insured = try await narrator.step("A7", .init("同意投保须知、短信验证、立即投保", "Consent, captcha, SMS code, insure")) {
            let insured = try await bidder.insure(order)
            let commitment = try await bidder.draw(insured.id).commitment.prefix(12)
            return (
                insured,
                .init(
                    "随机分配 \(insured.insurer?.name.text ?? "")（承诺 \(commitment)…）",
                    "drawn: \(insured.insurer?.name.text ?? "") (commitment \(commitment)…)")
            )
        }
        return try await narrator.step("A8", .init("等待审核", "Wait for the review")) {
            (try await bidder.wait(insured.id, "approved") { $0.application == .approved }, .init("审核通过", "approved"))
        }
    }

    // MARK: A9 to A11

    private func pay(_ bidder: Agent, _ order: OrderDetails) async throws {
        let instruction = try await narrator.step("A9", .init("确定付款", "Confirm the payment")) {
            let instruction = try await bidder.pay(order.id)
            return (instruction, .init("￥\(instruction.amount) → \(instruction.payTo.name)，\(instruction.reference)"))
        }
        _ = try await narrator.step("A9", .init("从非基本户付款 → 自动退回", "Pay from another account → sent back by itself")) {
            try await bidder.transfer(instruction, from: try bidder.otherAccount())
            let refused = try await bidder.wait(order.id, "sent back") { $0.paymentNote != nil }
            _ = try await eventually("the money is back") {
                let movements = try await world.sandbox.call(.movements)
                return movements.first { !$0.isIncoming && $0.amount == instruction.amount }
            }
            return ((), .init(refused.paymentNote?.rawValue ?? ""))
        }
        let paid = try await narrator.step("A9", .init("从基本户付款", "Pay from the basic account")) {
            try await bidder.transfer(instruction)
            return (try await bidder.wait(order.id, "paid") { $0.payment == .paid }, .init("已入账", "booked"))
        }
        _ = try await narrator.step("A10", .init("投保成功，视为已经购买", "The insurance is bought")) {
            let issued = try await bidder.wait(paid.id, "sealed") { $0.policy == .sealed }
            _ = try await eventually("the SMS about the policy") {
                try await world.messages(to: bidder.sample.handler.mobile).first { $0.contains("投保成功") }
            }
            return ((), .init("保单号 \(issued.policyNumber ?? "")，短信已发", "policy \(issued.policyNumber ?? ""), SMS sent"))
        }
    }

    private func sealed(_ bidder: Agent, _ order: OrderDetails) async throws {
        try await narrator.refusal("A11", .init("开标前下载保单", "Download the policy before the opening"), .policySealed) {
            try await bidder.policyFile(order.id)
        }
        try await narrator.refusal(
            "I1", .init("开标前申请发票", "Ask for the invoice before the opening"), .invoiceBeforeOpening
        ) {
            try await bidder.requestInvoice(order.id, .electronicOrdinary)
        }
    }

    /// A deposit that the insurer's system leaves to a person: a question, an answer, an approval (A8).
    private func referToPerson(_ bidder: Agent) async throws -> (OrderDetails, LotDetails) {
        let lot = try await world.publishLot("桥梁工程施工二标段", deposit: Money(fen: 25_000_000))
        let order = try await narrator.step("A8", .init("大额保证金转人工核保", "A large deposit goes to a person")) {
            let order = try await bidder.apply(for: lot.id)
            guard let insurer = order.insurer else { throw Problem(.wrongState) }
            let underwriter = world.orders.on(
                behalfOf: try await Agent.logIn(with: "underwriter-\(insurer.id)", in: world))
            _ = try await eventually("the case on the desk") {
                try await underwriter.call(.underwritingCases).first { $0.order == order.id }
            }
            try await underwriter.call(
                .decideUnderwriting, order.id,
                DecideUnderwriting(verdict: .askInformation, note: try Words("请说明近三年同类业绩")), key: Agent.key())
            _ = try await bidder.giveInformation(order.id, "近三年完成同类项目五个，合同额共 3.2 亿元")
            try await underwriter.call(
                .decideUnderwriting, order.id, DecideUnderwriting(verdict: .approve, note: nil), key: Agent.key())
            let approved = try await bidder.wait(order.id, "approved") { $0.application == .approved }
            return (approved, .init("补充资料后人工通过", "approved after a question"))
        }
        try await bidder.transfer(try await bidder.pay(order.id))
        return (try await bidder.wait(order.id, "sealed") { $0.policy == .sealed }, lot)
    }

    // MARK: R1 to R6

    private func giveBack(_ bidder: Agent) async throws {
        let lot = try await world.publishLot("照明工程施工三标段")
        let order = try await bidder.paidOrder(for: lot.id)
        let refund = try await narrator.step(
            "R1 R4", .init("开标前放弃投标，申请退保", "Withdraw before the opening, ask for the refund")
        ) {
            let refund = try await bidder.requestRefund(order.id, .withdrawn)
            let stopped = try await bidder.order(order.id)
            guard stopped.policy == .surrendering else {
                throw Narrator.Failed(description: "the policy is not stopped")
            }
            return (
                refund,
                .init(
                    "依据 \(refund.rulesVersion ?? "")，保单即时中止",
                    "by \(refund.rulesVersion ?? ""), the policy is stopped at once")
            )
        }
        try await narrator.refusal("R5", .init("退保账户户名不符", "A refund account in another name"), .accountNameDiffers) {
            let other = try SampleBidder.all()[1].registered.basicAccount
            return try await bidder.fillAccount(refund.id, other)
        }
        _ = try await narrator.step("R5", .init("完善退保账户信息", "Fill in the refund account")) {
            let filled = try await bidder.fillAccount(refund.id)
            return (
                (),
                .init(
                    "原路退回 \(filled.account?.bank.text ?? "")",
                    "to where it came from: \(filled.account?.bank.text ?? "")")
            )
        }
        _ = try await narrator.step("R6", .init("保险公司审核、退款、退保成功", "Review, payout, done")) {
            let done = try await bidder.wait(refund.id, until: .done)
            try await bidder.wait(order.id, "surrendered") { $0.policy == .surrendered && $0.payment == .refunded }
            return ((), .init("退回 ￥\(done.amount?.text ?? "")", "￥\(done.amount?.text ?? "") returned"))
        }
    }

    private func terminated(_ sample: SampleBidder) async throws {
        let bidder = try await Agent.logIn(sample, in: world)
        try await bidder.prepare()
        let lot = try await world.publishLot("管网工程施工四标段")
        let order = try await bidder.paidOrder(for: lot.id)
        _ = try await narrator.step("R2", .init("开标前项目终止，退保", "The project is terminated before the opening")) {
            try await world.move(lot.id, .terminate)
            let refund = try await bidder.requestRefund(order.id, .terminated)
            guard refund.ground == .terminated else { throw Problem(.wrongState) }
            _ = try await bidder.fillAccount(refund.id)
            try await bidder.wait(refund.id, until: .done)
            return ((), .init("退保成功", "refunded"))
        }
    }

    // MARK: A12, R3

    private func open(_ lots: [LotDetails]) async throws {
        _ = try await narrator.step("A12", .init("时间前进十四天，开标", "Fourteen days pass, the bids are opened")) {
            try await world.advance(by: .days(14))
            for lot in lots { try await world.move(lot.id, .openBids) }
            return ((), .init(try await world.now().localText))
        }
    }

    private func download(_ bidder: Agent, _ order: OrderDetails) async throws -> String {
        try await narrator.step("A12", .init("下载保单", "Download the policy")) {
            try await bidder.wait(order.id, "open") { $0.policy == .open }
            let file = try await bidder.policyFile(order.id)
            let signature = try await bidder.policySignature(order.id)
            let path = try save(file, signature)
            let policy = try await bidder.policy(order.id)
            let verified = try await world.orders.call(
                .verifyPolicy, VerifyPolicy(number: policy.number, code: policy.verificationCode ?? ""))
            guard verified.documentHash == sha256(file.bytes).hex else {
                throw Narrator.Failed(description: "the document is not the verified one")
            }
            return (policy.number, .init("\(path)（公开查验一致）", "\(path) (the public check agrees)"))
        }
    }

    private func tooLateToGiveBack(_ bidder: Agent, _ order: OrderDetails) async throws {
        try await narrator.refusal("R3", .init("开标后申请退保", "Ask for a refund after the opening"), .refundAfterOpening) {
            try await bidder.requestRefund(order.id, .withdrawn)
        }
    }

    // MARK: I1 to I4

    private func electronicInvoice(_ bidder: Agent, _ order: OrderDetails) async throws {
        try await narrator.refusal("I2", .init("电子专用发票", "An electronic special invoice"), .invoiceKindNotOffered) {
            try await bidder.requestInvoice(order.id, .electronicSpecial)
        }
        let invoice = try await narrator.step("I1 I2", .init("申请电子增值税普通发票", "Ask for the electronic VAT invoice")) {
            let requested = try await bidder.requestInvoice(order.id, .electronicOrdinary)
            let issued = try await bidder.wait(requested.id, until: .issued)
            return (
                issued, .init("\(issued.number ?? "")，税额 ￥\(issued.tax)", "\(issued.number ?? ""), tax ￥\(issued.tax)")
            )
        }
        _ = try await narrator.step("I3", .init("下载发票", "Download the invoice")) {
            let file = try await bidder.invoiceFile(invoice.id)
            return ((), .init(try save(file, try await bidder.invoiceSignature(invoice.id))))
        }
    }

    private func paperInvoice(_ bidder: Agent, _ order: OrderDetails) async throws {
        try await bidder.wait(order.id, "open") { $0.policy == .open }
        try await narrator.refusal(
            "I2", .init("纸质专票缺开户行账号", "A paper special invoice without bank and account"), .invalidField
        ) {
            try await bidder.requestInvoice(order.id, .paperSpecial, isComplete: false)
        }
        _ = try await narrator.step("I2 I4", .init("纸质增值税专用发票寄出", "The paper special invoice is posted")) {
            let requested = try await bidder.requestInvoice(order.id, .paperSpecial)
            let posted = try await bidder.wait(requested.id, until: .posted)
            return ((), .init("\(posted.number ?? "")，\(posted.courier?.text ?? "") \(posted.trackingNumber ?? "")"))
        }
    }

    // MARK: Summary

    private func save(_ file: File, _ signature: File) throws -> String {
        let folder = world.deployment.documents
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for file in [file, signature] {
            try Data(file.bytes).write(to: folder.appendingPathComponent(file.name))
        }
        return folder.appendingPathComponent(file.name).path
    }

    private func summary(_ bidder: Agent, _ order: OrderDetails, policyNumber: String) async throws {
        narrator.heading(.init("五、汇总", "Summary"))
        let draw = try await bidder.draw(order.id)
        _ = try await narrator.step("A7", .init("复核随机分配", "Check the draw again")) {
            guard isDrawRight(draw) else {
                throw Narrator.Failed(description: "the draw does not follow from its seed")
            }
            return (
                (), .init("种子与承诺相符，结果为 \(draw.insurer)", "the seed fits its commitment and leads to \(draw.insurer)")
            )
        }
        let balances = try await eventually("the books are closed") {
            let balances = try await world.payments.call(.trialBalance)
            // Nothing is on its way any more: the rest belongs to insurers, providers and the tax office.
            let passing = ["suspense", "bidder_clearing", "returns_payable", "refunds_payable"]
            return balances.allSatisfy { !passing.contains($0.account) || $0.balance == .zero } ? balances : nil
        }
        _ = try await narrator.step("ledger", .init("试算平衡", "Trial balance")) {
            let sum = balances.reduce(Money.zero) { $0 + $1.balance }
            guard sum == .zero else { throw Narrator.Failed(description: "the ledger is out of balance by \(sum)") }
            return ((), .init(balances.map { "\($0.account) \($0.balance)" }.joined(separator: " · ")))
        }
        narrator.note(.init("订单 \(order.id)，保单 \(policyNumber)", "order \(order.id), policy \(policyNumber)"))
        narrator.note(.init("文件 \(world.deployment.documents.path)", "documents \(world.deployment.documents.path)"))
        narrator.note(.init("日志 \(world.deployment.logs.path)", "logs \(world.deployment.logs.path)"))
        narrator.note(.init("用时 \(narrator.totalTime())", "took \(narrator.totalTime())"))
    }
}
