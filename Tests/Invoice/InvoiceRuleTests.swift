import Contracts
import Testing

@testable import Invoice

@Suite("Invoice rules")
struct InvoiceRuleTests {
    static let offered: [InvoiceForm] = [.electronicOrdinary, .paperOrdinary, .paperSpecial]

    private func request(
        _ form: InvoiceForm, without missing: String? = nil
    ) throws -> RequestInvoice {
        func given(_ field: String, _ text: String) throws -> Words? { missing == field ? nil : try Words(text) }
        return RequestInvoice(
            order: OrderID(), form: form,
            buyer: InvoiceBuyer(
                title: try Words("安徽宏远"), taxNumber: try UnifiedSocialCreditCode("91350100M000100Y43"),
                address: try given("address", "宣城"), phone: try given("phone", "0563-3012345"),
                bank: try given("bank", "工商银行"), account: missing == "account" ? nil : try AccountNumber("1317090009"),
                email: try given("email", "a@example.com")),
            recipient: missing == "recipient"
                ? nil
                : Recipient(
                    name: try Words("王"), mobile: try MobileNumber("13856300001"), address: try Words("宣城"),
                    postcode: nil))
    }

    @Test("I2: exactly the three kinds", arguments: InvoiceForm.allCases)
    func kinds(_ form: InvoiceForm) throws {
        let isOffered = (try? check(request(form), offered: Self.offered)) != nil
        #expect(isOffered == (form != .electronicSpecial))
    }

    @Test(
        "I2: each kind with its own fields",
        arguments: [
            (InvoiceForm.electronicOrdinary, "email", "/buyer/email"), (.paperOrdinary, "recipient", "/recipient"),
            (.paperSpecial, "address", "/buyer/address"), (.paperSpecial, "phone", "/buyer/phone"),
            (.paperSpecial, "bank", "/buyer/bank"), (.paperSpecial, "account", "/buyer/account"),
            (.paperSpecial, "recipient", "/recipient"),
        ])
    func fields(_ form: InvoiceForm, _ missing: String, _ field: String) throws {
        let request = try request(form, without: missing)
        do {
            try check(request, offered: Self.offered)
            Issue.record("\(missing) was not missed")
        } catch {
            #expect(error.code == .invalidField && error.field == field)
        }
    }

    @Test("I2: an ordinary invoice needs neither bank nor address")
    func ordinary() throws {
        try check(request(.electronicOrdinary, without: "bank"), offered: Self.offered)
        try check(request(.paperOrdinary, without: "account"), offered: Self.offered)
    }

    @Test("numbers have 20 digits, on paper 8")
    func numbers() {
        #expect(isInvoiceNumber("26341000000000000001", of: .electronicOrdinary))
        #expect(!isInvoiceNumber("2634100000000000001", of: .electronicOrdinary))
        #expect(isInvoiceNumber("12345678", of: .paperSpecial) && !isInvoiceNumber("1234567x", of: .paperSpecial))
    }
}
