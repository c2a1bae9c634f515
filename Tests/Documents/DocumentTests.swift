import Contracts
@testable import Documents
import Foundation
import Testing

@Suite("Documents")
struct DocumentTests {
    /// What `program` says about a document.
    private func text(of pdf: [UInt8], _ program: String = "pdftotext") throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).pdf")
        try Data(pdf).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/\(program)")
        process.arguments = program == "pdftotext" ? ["-layout", file.path, "-"] : [file.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    private func policy(isSealed: Bool) throws -> PolicyText {
        let day = try CalendarDay("2026-12-07")
        return PolicyText(
            number: "PTB20260001", insurer: try Words("徽安财产保险股份有限公司"),
            insurerCreditCode: try UnifiedSocialCreditCode("91350100M000100Y43"), bidder: try Words("安徽宏远建设工程有限公司"),
            bidderCreditCode: try UnifiedSocialCreditCode("91350100M000100Y43"),
            tenderee: isSealed ? "（密文）LT1" : "宣城市城投",
            project: isSealed ? "（密文）LT1" : "水阳江大道改造", lot: isSealed ? "（密文）LT1" : "一标段",
            amount: try Money(yuan: "107000.53"), premium: try Money(yuan: "200.00"),
            coverage: CoveragePeriod(from: day, until: day.adding(days: 90)),
            issuedAt: try Instant("2026-11-23T07:00:00Z"),
            isSealed: isSealed, endorsement: isSealed ? nil : "PD1",
            verificationAddress: "https://example.com/verify/PTB20260001",
            verificationCode: "ABCDEF1234")
    }

    @Test("A12: the open policy says in Chinese who is covered, for what, how much and how long")
    func openPolicy() throws {
        let text = try text(of: policyPDF(policy(isSealed: false)))
        for part in [
            "投标保证保险保单", "安徽宏远建设工程有限公司", "宣城市城投", "水阳江大道改造", "一标段", "人民币壹拾万柒仟元零伍角叁分", "￥107000.53", "人民币贰佰元整",
            "2026-12-07 00:00:00", "2027-03-06 23:59:59", "PD1",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("A11: the sealed policy names neither tenderee nor project nor lot")
    func sealedPolicy() throws {
        let text = try text(of: policyPDF(policy(isSealed: true)))
        #expect(text.contains("密文") && text.contains("LT1"))
        for secret in ["宣城市城投", "水阳江大道改造", "一标段"] { #expect(!text.contains(secret)) }
    }

    @Test("fonts are embedded subsets, and a page stays small")
    func fonts() throws {
        let pdf = try policyPDF(policy(isSealed: false))
        let lines = try text(of: pdf, "pdffonts").split(separator: "\n").dropFirst(2)
        #expect(!lines.isEmpty && lines.allSatisfy { $0.contains("yes yes") })
        #expect(pdf.count < 60_000)
    }

    @Test("I3: the invoice shows net, tax and gross")
    func invoice() throws {
        let gross = try Money(yuan: "1234.56")
        let (net, tax) = gross.splitVAT(percent: 6)
        let name = try Words("安徽宏远建设工程有限公司")
        let pdf = try invoicePDF(
            InvoiceText(
                number: "26341000000000000001", form: .electronicOrdinary, seller: try Words("徽安财产保险股份有限公司"),
                sellerCreditCode: try UnifiedSocialCreditCode("91350100M000100Y43"),
                buyer: InvoiceBuyer(
                    title: name, taxNumber: try UnifiedSocialCreditCode("91350100M000100Y43"), address: nil, phone: nil,
                    bank: nil, account: nil, email: nil), net: net, tax: tax, gross: gross, vatPercent: 6,
                policyNumber: "PTB1", issuedAt: try Instant("2026-12-07T16:30:00Z"),
                verificationAddress: "https://example.com/v"))
        let text = try text(of: pdf)
        for part in [
            "增值税普通发票", "26341000000000000001", "￥1164.68", "￥69.88", "￥1234.56", "人民币壹仟贰佰叁拾肆元伍角陆分", "2026-12-08",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("a captcha is a PNG, and no two are alike")
    func captcha() throws {
        let (first, second) = (try captchaPicture(of: "A2B3C"), try captchaPicture(of: "A2B3C"))
        #expect(first.starts(with: [0x89, 0x50, 0x4E, 0x47]) && first != second)
    }

    @Test("the lightest ink of a captcha stands out from its paper by seven to one (WCAG 2.2, 1.4.6)")
    func contrast() {
        func luminance(_ color: (red: Double, green: Double, blue: Double)) -> Double {
            func linear(_ value: Double) -> Double {
                value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
            }
            return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
        }
        #expect((luminance(captchaPaper) + 0.05) / (luminance(captchaInk) + 0.05) >= 7)
    }

    @Test("a spoken captcha is a WAV of some seconds, and no two are alike")
    func sound() {
        let (first, second) = (captchaSound(of: "204718"), captchaSound(of: "204718"))
        #expect(first.starts(with: Array("RIFF".utf8)) && first[8..<12].elementsEqual("WAVE".utf8) && first != second)
        #expect((24_000...96_000).contains(first.count))
        #expect(captchaSound(of: "").count < 10_000)
    }
}
