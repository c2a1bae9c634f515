import ArgumentParser
import Contracts
import Cryptography
import Foundation

/// The development PKI.
struct PKICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki", abstract: "Makes and shows the certificates of a development deployment.",
        subcommands: [Initialise.self, Issue.self, Show.self, Rotate.self])

    struct Initialise: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Makes the authorities and all certificates, unless they are there.")
        @OptionGroup var options: DeploymentOptions

        func run() async throws {
            let deployment = LocalDeployment(options)
            try deployment.pki.create()
            print(deployment.pki.folder.path)
        }
    }

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Issues a certificate for parties of the deployment.")
        @OptionGroup var options: DeploymentOptions
        @Argument(help: "File name, without ending.") var name: String
        @Argument(help: "Parties, such as order or tool.") var parties: [String]

        func run() async throws {
            let known = try parties.map { name in
                guard let party = Party(rawValue: name) else { throw ValidationError("there is no party \(name)") }
                return party
            }
            let deployment = LocalDeployment(options)
            try deployment.pki.issue(name, for: known)
            print(deployment.pki.path("\(name).pem"))
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes the deployment's root and all its certificates while the services run.",
            discussion: """
                Both roots are trusted while certificates change; services read their files every two seconds. \
                Certificates of the CA locks are not touched.
                """)
        @OptionGroup var options: DeploymentOptions
        @Option(help: "Seconds between the steps.") var wait = 6

        func run() async throws {
            try await LocalDeployment(options).pki.rotate { step in
                print(step)
                try await Task.sleep(for: .seconds(wait))
            }
            print("only the new root is trusted")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the certificates and until when they are valid.")
        @OptionGroup var options: DeploymentOptions

        func run() async throws {
            let pki = LocalDeployment(options).pki
            let files = try FileManager.default.contentsOfDirectory(atPath: pki.folder.path).filter {
                $0.hasSuffix(".pem")
            }
            for file in files.sorted() {
                let certificate = try Certificate.chain(pem: pki.read(file))[0]
                let until = Instant(milliseconds: certificate.notAfter * 1_000).day.text
                print(
                    "\(file)\t\(certificate.subject("CN").first ?? "")\tuntil \(until)\t\(try certificate.fingerprint().prefix(16))"
                )
            }
        }
    }
}
