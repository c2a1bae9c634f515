import Contracts
import StrictJSON
import Testing

@Suite("Values")
struct ValueTests {
    @Test(
        "GB 32100: unified social credit codes",
        arguments: [
            ("91350100M000100Y43", true), ("91350100M000100Y4Z", false), ("91350100M000100Y4", false),
            ("91350100M000100y43", false), ("9135010OM000100Y43", false), ("91350100M000100Y34", false),
        ])
    func creditCode(_ text: String, _ isValid: Bool) {
        #expect(((try? UnifiedSocialCreditCode(text)) != nil) == isValid)
    }

    @Test(
        "GB 11643: citizen identity numbers",
        arguments: [
            ("11010519491231002X", true), ("11010519491231002x", true), ("440524188001010014", true),
            ("110105194912310021", false), ("11010519490231002X", false), ("110105491231002", false),
        ])
    func citizen(_ text: String, _ isValid: Bool) {
        #expect(((try? CitizenID(text)) != nil) == isValid)
    }

    @Test(
        "mobile numbers",
        arguments: [
            ("13856300001", true), ("+86 138-5630-0001", true), ("008613856300001", true), ("12856300001", false),
            ("1385630000", false), ("1440012345678", false),
        ])
    func mobile(_ text: String, _ isValid: Bool) {
        #expect(((try? MobileNumber(text)) != nil) == isValid)
    }

    @Test(
        "account numbers have 8 to 30 digits and no check digit",
        arguments: [("1317090009300012345", true), ("1317 0900 0930", true), ("1234567", false), ("12345678a", false)])
    func account(_ text: String, _ isValid: Bool) {
        #expect(((try? AccountNumber(text)) != nil) == isValid)
    }

    @Test("personal data show four characters when printed")
    func redaction() throws {
        #expect("\(try MobileNumber("13856300001"))" == "****0001")
        #expect("\(try CitizenID("11010519491231002X"))" == "****002X")
    }

    @Test("brackets of either width are the same name")
    func names() throws {
        #expect(try Words("路桥（集团）公司").isSameName(as: Words("路桥(集团)公司")))
        #expect(try !Words("路桥公司").isSameName(as: Words("路桥集团公司")))
    }

    @Test("an identifier is of its kind")
    func identifiers() throws {
        let order = OrderID()
        #expect(try OrderID(order.text) == order)
        #expect((try? LotID(order.text)) == nil)
        #expect((try? OrderID("ord_x")) == nil)
        #expect(Set((0..<1_000).map { _ in OrderID() }).count == 1_000)
    }
}

@Suite("Money")
struct MoneyTests {
    @Test(
        "amounts in yuan",
        arguments: [
            ("200.00", 20_000), ("0.01", 1), ("0.00", 0), ("1234.560000", 123_456),
            ("100000000000.00", 10_000_000_000_000),
        ])
    func accepted(_ text: String, _ fen: Int64) throws {
        #expect(try Money(yuan: text).fen == fen)
    }

    @Test(
        "what is not an amount",
        arguments: [
            "200", "200.0", "-1.00", "+1.00", "1e3", "01.00", ".50", "1.001", "1.0000001", "100000000000.01",
            "1,000.00", "", "１.00",
        ])
    func refused(_ text: String) {
        #expect((try? Money(yuan: text)) == nil)
    }

    @Test("a number is no amount on the wire")
    func number() {
        #expect(throws: JSONError.self) { try StrictJSON.decode([Money].self, from: Array("[200.00]".utf8)) }
    }

    @Test(
        "shares are rounded half up",
        arguments: [
            (15_000_00, 13_333, 1_000_000, 20_000), (1, 1, 2, 1), (1, 1, 3, 0), (3, 1, 2, 2),
            (10_000_000_000_000, 999_999, 1_000_000, 9_999_990_000_000),
        ] as [(Int64, Int64, Int64, Int64)])
    func share(_ fen: Int64, _ parts: Int64, _ whole: Int64, _ expected: Int64) {
        #expect(Money(fen: fen).share(parts, of: whole).fen == expected)
    }

    @Test(
        "VAT inside the premium",
        arguments: [("200.00", "188.68", "11.32"), ("100.00", "94.34", "5.66"), ("1234.56", "1164.68", "69.88")])
    func vat(_ gross: String, _ net: String, _ tax: String) throws {
        let split = try Money(yuan: gross).splitVAT(percent: 6)
        #expect(split.net.text == net && split.tax.text == tax)
    }

    @Test(
        "amounts in capitals, as the People's Bank prescribes",
        arguments: [
            ("1409.50", "人民币壹仟肆佰零玖元伍角"), ("6007.14", "人民币陆仟零柒元壹角肆分"), ("1680.32", "人民币壹仟陆佰捌拾元零叁角贰分"),
            ("107000.53", "人民币壹拾万柒仟元零伍角叁分"), ("16409.02", "人民币壹万陆仟肆佰零玖元零贰分"), ("325.04", "人民币叁佰贰拾伍元零肆分"),
            ("0.00", "人民币零元整"), ("0.05", "人民币伍分"), ("10.00", "人民币壹拾元整"), ("50000.00", "人民币伍万元整"),
            ("100500.00", "人民币壹拾万零伍佰元整"),
            ("100000000.00", "人民币壹亿元整"), ("100000001.00", "人民币壹亿零壹元整"),
        ])
    func capitals(_ amount: String, _ text: String) throws {
        #expect(try Money(yuan: amount).capitals == text)
    }
}

@Suite("Time")
struct TimeTests {
    @Test(
        "RFC 3339",
        arguments: [
            ("2026-11-23T14:03:27Z", 1_795_442_607_000), ("2026-11-23T22:03:27+08:00", 1_795_442_607_000),
            ("1970-01-01T00:00:00.5Z", 500), ("2000-02-29T23:59:59.999Z", 951_868_799_999),
        ] as [(String, Int64)])
    func read(_ text: String, _ milliseconds: Int64) throws {
        let instant = try Instant(text)
        #expect(instant.milliseconds == milliseconds)
        #expect(try Instant(instant.text) == instant)
    }

    @Test(
        "what is not a time",
        arguments: [
            "2026-11-23", "2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T14:03:27", "2026-11-23 14:03:27Z",
            "2026-11-23T14:03:27.Z", "2026-11-23T14:03:27Zx", "2026-1-23T14:03:27Z",
        ])
    func refused(_ text: String) {
        #expect((try? Instant(text)) == nil)
    }

    @Test("a day in Shanghai begins eight hours before it does in UTC")
    func days() throws {
        let evening = try Instant("2026-11-23T16:00:00Z")
        #expect(evening.day.text == "2026-11-24")
        #expect(Instant(startOf: evening.day) == evening)
        #expect(evening.localText == "2026-11-24 00:00")
        #expect(try CalendarDay("2021-10-08").adding(days: 180 - 1).text == "2022-04-05")
    }
}
