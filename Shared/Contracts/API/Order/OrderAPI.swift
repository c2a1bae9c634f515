/// Lots, providers, insurers, orders, draws, underwriting and policies (A4 to A12, R1 to R3).
public enum OrderAPI: ServiceAPI {
    public static let server = Party.order
    public static let eventSenders: Set<Party> = [.payment, .refund]
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == LotQuery, Reply == Page<LotDetails> {
    /// Lots that still take applications (A4).
    public static var lots: Self { .get("/v1/lots", for: .person(.bidder, .platformOperator)) }
}

extension Endpoint where API == OrderAPI, ID == LotID, Request == Nothing, Reply == LotDetails {
    public static var lot: Self { .get("/v1/lots/{id}", for: .person(.bidder, .platformOperator)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == Nothing, Reply == [ProviderDetails] {
    public static var providers: Self { .get("/v1/providers", for: .person(.bidder, .platformOperator)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == CreateOrder, Reply == OrderDetails {
    /// 立即申请 (A4, A5).
    public static var createOrder: Self { .post("/v1/orders", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == PageQuery, Reply == Page<OrderDetails> {
    /// 我的投标保函.
    public static var orders: Self { .get("/v1/orders", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == OrderDetails {
    public static var order: Self { .get("/v1/orders/{id}", for: .person(.bidder)) }
    public static var cancelOrder: Self { .repeatablePost("/v1/orders/{id}/cancellation", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == SaveDraft, Reply == OrderDetails {
    public static var saveDraft: Self { .put("/v1/orders/{id}/draft", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == ApplicationSummary {
    public static var summary: Self { .get("/v1/orders/{id}/summary", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == AtVersion, Reply == OrderDetails {
    /// 提交申请 (A6).
    public static var submitApplication: Self { .post("/v1/orders/{id}/application", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Insure, Reply == OrderDetails {
    /// 立即投保 (A7).
    public static var insure: Self { .post("/v1/orders/{id}/insurance", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == DrawRecord {
    public static var draw: Self { .get("/v1/orders/{id}/draw", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == Nothing, Reply == [UnderwritingCase] {
    public static var underwritingCases: Self { .get("/v1/underwritings", for: .person(.underwriter)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == DecideUnderwriting, Reply == Nothing {
    public static var decideUnderwriting: Self { .post("/v1/underwritings/{id}/decision", for: .person(.underwriter)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == GiveInformation, Reply == OrderDetails {
    public static var giveInformation: Self { .post("/v1/orders/{id}/information", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == PaymentInstruction {
    /// 确定付款 (A9).
    public static var pay: Self { .post("/v1/orders/{id}/payment", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == PolicyDetails {
    public static var policy: Self { .get("/v1/orders/{id}/policy", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == Nothing, Reply == File {
    /// 下载保单 (A12).
    public static var policyFile: Self { .get("/v1/orders/{id}/policy/file", for: .person(.bidder)) }
    /// The detached CMS signature over the file.
    public static var policySignature: Self { .get("/v1/orders/{id}/policy/signature", for: .person(.bidder)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == VerifyPolicy, Reply == PolicyVerification {
    /// A POST, because the code must not stand in an address.
    public static var verifyPolicy: Self { .repeatablePost("/v1/policy-verification", for: .anybody) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == AskSurrender, Reply == SurrenderDecision {
    public static var askSurrender: Self { .post("/v1/orders/{id}/surrender", for: .parties(.refund)) }
}

extension Endpoint where API == OrderAPI, ID == OrderID, Request == EnterpriseQuery, Reply == InvoiceBasis {
    public static var invoiceBasis: Self { .get("/v1/orders/{id}/invoice-basis", for: .parties(.invoice)) }
}

/// On whose behalf a service asks.
public struct EnterpriseQuery: Codable, Sendable {
    public let enterprise: EnterpriseID

    public init(enterprise: EnterpriseID) {
        self.enterprise = enterprise
    }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == LotNotice, Reply == Nothing {
    public static var lotNotice: Self { .post("/v1/callbacks/trading-centre", for: .callback(.tradingCentre)) }
}

extension Endpoint where API == OrderAPI, ID == Nothing, Request == InsurerNotice, Reply == Nothing {
    public static var insurerNotice: Self { .post("/v1/callbacks/insurer", for: .callback(.insurer)) }
}
