import Contracts

/// A bidder of the demo: what the trading centre's registry knows of it, and its handler.
struct SampleBidder: Sendable {
    /// Name of its certificate in the development PKI.
    let certificate: String
    let hasRSAKey: Bool
    let registered: RegisteredEnterprise
    let handler: Handler

    static func all() throws -> [SampleBidder] {
        [
            try bidder(
                "bidder-1", "安徽宏远建设工程有限公司", "91341800MA2T7H7K8", account: "1317090009300012345",
                handler: "王晓明", citizenID: "11010519491231002X", mobile: "13856300001"),
            try bidder(
                "bidder-2", "宣城市敬亭路桥（集团）有限公司", "91341800MA2U8J8L9", account: "34050175860800000123",
                handler: "李静", citizenID: "440524188001010014", mobile: "13956300002", hasRSAKey: true),
        ]
    }

    private static func bidder(
        _ certificate: String, _ name: String, _ code: String, account: String, handler: String, citizenID: String,
        mobile: String, hasRSAKey: Bool = false
    ) throws -> SampleBidder {
        let name = try Words(name)
        return SampleBidder(
            certificate: certificate, hasRSAKey: hasRSAKey,
            registered: RegisteredEnterprise(
                creditCode: try UnifiedSocialCreditCode(completing: code), name: name, address: try Words("安徽省宣城市宣州区"),
                legalPerson: try Words("张宏"),
                basicAccount: AccountReference(
                    name: name, number: try AccountNumber(account), bank: try Words("中国工商银行宣城分行"),
                    branch: try BranchNumber("102377100018"))),
            handler: Handler(
                name: try Words(handler), citizenID: try CitizenID(citizenID), mobile: try MobileNumber(mobile),
                email: try Words("bids@example.com")))
    }
}
