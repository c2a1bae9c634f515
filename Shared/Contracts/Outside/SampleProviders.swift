/// Two providers with five insurers, as the sandbox plays them and the development PKI makes underwriters for them.
public func sampleProviders() throws(InvalidValue) -> [ProviderDetails] {
    func insurer(_ id: String, _ name: String, _ code: String, _ weight: Int) throws(InvalidValue) -> InsurerDetails {
        InsurerDetails(
            id: id, name: try Words(name), creditCode: try UnifiedSocialCreditCode(completing: code), weight: weight)
    }
    return [
        ProviderDetails(
            id: "gongbao", name: try Words("工保网"),
            insurers: [
                try insurer("huian", "徽安财产保险股份有限公司", "91340100MA2N1A1X1", 50),
                try insurer("jianghuai", "江淮财产保险股份有限公司", "91340100MA2N2B2Y2", 30),
                try insurer("changjiang", "长江责任保险股份有限公司", "91310000MA1K3C3W3", 20),
            ], ratePerMillion: 4_000, minimumPremium: Money(fen: 20_000), commissionPerMillion: 120_000),
        ProviderDetails(
            id: "xinbao", name: try Words("信保通"),
            insurers: [
                try insurer("yuehai", "粤海财产保险股份有限公司", "91440000MA4U4D4U4", 60),
                try insurer("beifang", "北方保证保险股份有限公司", "91110000MA0T5E5T5", 40),
            ], ratePerMillion: 5_000, minimumPremium: Money(fen: 10_000), commissionPerMillion: 80_000),
    ]
}
