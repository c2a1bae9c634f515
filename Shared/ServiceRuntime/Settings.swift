import Configuration
import Contracts
import Foundation
import SystemPackage

/// Configuration from the environment and, where `BAOHAN_CONFIG` names one, a JSON file; the environment wins.
///
/// All problems are collected, so that a start that fails names every key that is wrong at once.
public final class Settings {
    /// What is wrong with the configuration, one line per key.
    public struct Invalid: Error, CustomStringConvertible {
        public let problems: [String]

        public init(problems: [String]) { self.problems = problems }

        public var description: String { "configuration: " + problems.joined(separator: "; ") }
    }

    private let reader: ConfigReader
    private var problems: [String] = []

    public init(environment: [String: String] = ProcessInfo.processInfo.environment) async throws {
        var providers: [any ConfigProvider] = [EnvironmentVariablesProvider(environmentVariables: environment)]
        if let file = environment["BAOHAN_CONFIG"] {
            providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(file)))
        }
        reader = ConfigReader(providers: providers)
    }

    /// - Parameter key: dots separate its parts: `tls.key` is `TLS_KEY` in the environment.
    public func text(_ key: String, default fallback: String) -> String {
        reader.string(forKey: ConfigKey(key), default: fallback)
    }

    public func optionalText(_ key: String) -> String? {
        reader.string(forKey: ConfigKey(key))
    }

    public func requiredText(_ key: String, _ meaning: String) -> String {
        guard let value = reader.string(forKey: ConfigKey(key)), !value.isEmpty else {
            problems.append("\(key) is missing (\(meaning))")
            return ""
        }
        return value
    }

    /// Where the service keeps its data.
    public func databaseAddress() -> String { requiredText("database", "a SQLite file, or postgresql://…") }

    /// The path of a file that exists and can be read.
    public func file(_ key: String, _ meaning: String) -> String {
        let path = requiredText(key, meaning)
        if !path.isEmpty, !FileManager.default.isReadableFile(atPath: path) {
            problems.append("\(key): \(path) cannot be read (\(meaning))")
        }
        return path
    }

    public func number(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
        let value = reader.int(forKey: ConfigKey(key), default: fallback)
        if !range.contains(value) { problems.append("\(key) must lie in \(range)") }
        return value
    }

    public func flag(_ key: String, default fallback: Bool) -> Bool {
        reader.bool(forKey: ConfigKey(key), default: fallback)
    }

    /// An amount in yuan.
    public func money(_ key: String, default fallback: String) -> Money {
        do {
            return try Money(yuan: text(key, default: fallback))
        } catch {
            problems.append("\(key) \(error)")
            return .zero
        }
    }

    public func reject(_ problem: String) { problems.append(problem) }

    /// - Throws: ``Invalid`` with everything that was wrong so far.
    public func check() throws(Invalid) {
        if !problems.isEmpty { throw Invalid(problems: problems) }
    }
}

/// Where a service listens or is found.
public struct Address: Sendable, Hashable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`; nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon > text.startIndex
        else { return nil }
        self.init(host: String(text[..<colon]), port: port)
    }

    public var description: String { "\(host):\(port)" }
}

extension Settings {
    public func address(_ key: String, default fallback: String) -> Address {
        if let address = Address(text(key, default: fallback)) { return address }
        problems.append("\(key) must be host:port")
        return Address(host: "127.0.0.1", port: 0)
    }
}
