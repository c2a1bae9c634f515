import ArgumentParser
import Contracts
import Cryptography
import Foundation
import ServiceRuntime

/// Holds the books of bank, insurers and providers against the ledger.
struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Compares the ledger with the books of bank, insurers and providers; exit code 1 when they differ.",
        discussion: "Books that are not given as a file are asked of the parties' interfaces.")
    @OptionGroup var options: DeploymentOptions
    @Option(help: "The bank's statement, CSV.") var bank: String?
    @Option(help: "The insurers' book, CSV.") var insurers: String?
    @Option(help: "The providers' book, CSV.") var providers: String?
    @Option(help: "Where to write the open breaks, CSV.") var report: String?

    func run() async throws {
        let payments = try LocalDeployment(options).client(PaymentAPI.self)
        func base64(_ file: String?) throws -> String? {
            try file.map { Base64.standard.encode([UInt8](try Data(contentsOf: URL(fileURLWithPath: $0)))) }
        }
        do {
            let result = try await payments.call(
                .reconcile,
                Reconcile(bank: base64(bank), insurers: base64(insurers), providers: base64(providers)))
            print(
                "bank \(result.bankLines), insurers \(result.insurerLines), providers \(result.providerLines) lines; open breaks: \(result.breaks.count)"
            )
            for item in result.breaks {
                print(
                    "\(item.id)\t\(item.side.rawValue)\t\(item.kind.rawValue)\t\(item.subject)\tours \(item.ours)\ttheirs \(item.theirs)\t\(item.ageDays) days\t\(item.repair.rawValue)"
                )
            }
            if let report {
                try Data(try await payments.call(.reconciliationReport).bytes).write(to: URL(fileURLWithPath: report))
            }
            if !result.breaks.isEmpty { throw ExitCode(1) }
        } catch let problem as Problem {
            throw ValidationError("\(problem.code.rawValue): \(problem.detail ?? "")")
        }
    }
}

/// The delivery log of callbacks.
struct CallbacksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "callbacks", abstract: "Shows callbacks received and sent, and sends one of ours again.")
    @OptionGroup var options: DeploymentOptions
    @Argument(help: "order, payment, refund or invoice.") var service: String
    @Option(help: "ID of a callback that was sent and is to be sent again.") var replay: String?

    func run() async throws {
        let deployment = LocalDeployment(options)
        switch service {
        case "order": try await show(deployment.client(OrderAPI.self))
        case "payment": try await show(deployment.client(PaymentAPI.self))
        case "refund": try await show(deployment.client(RefundAPI.self))
        case "invoice": try await show(deployment.client(InvoiceAPI.self))
        default: throw ValidationError("no callbacks there")
        }
    }

    private func show<API>(_ client: Client<API>) async throws {
        if let replay {
            guard let id = try? MessageID(replay) else { throw ValidationError("--replay takes the ID of a message") }
            try await client.call(.replayCallback, id)
        }
        for record in try await client.call(.callbacks) {
            print(
                "\(record.lastAt.text)\t\(record.direction.rawValue)\t\(record.kind)\t\(record.attempts)\t\(record.outcome)\t\(record.id)"
            )
        }
    }
}
