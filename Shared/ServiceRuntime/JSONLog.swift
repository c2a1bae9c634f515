import Foundation
import Logging
import StrictJSON
import Synchronization

/// Log lines as JSON objects on standard output, one per line: time, level, service, message, and the metadata.
struct JSONLog: LogHandler {
    let service: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    private struct Line: Encodable {
        let time: String
        let level: String
        let service: String
        let message: String
        let fields: [String: String]

        private struct Key: CodingKey {
            let stringValue: String
            let intValue: Int? = nil
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(time, forKey: Key(stringValue: "time"))
            try container.encode(level, forKey: Key(stringValue: "level"))
            try container.encode(service, forKey: Key(stringValue: "service"))
            try container.encode(message, forKey: Key(stringValue: "message"))
            for (name, value) in fields { try container.encode(value, forKey: Key(stringValue: name)) }
        }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues(\.description)
        let line = Line(
            time: ServiceClock().now.text, level: event.level.rawValue, service: service,
            message: event.message.description,
            fields: fields)
        if let bytes = try? StrictJSON.encode(line) { LogWriter.standardOutput.write(bytes) }
    }
}

/// Writes lines from a thread of its own, so that a slow disk or terminal never holds up an event loop.
final class LogWriter: Sendable {
    static let standardOutput = LogWriter(.standardOutput)

    private let pending = Mutex<[UInt8]>([])
    private let wake = DispatchSemaphore(value: 0)
    /// Lines that wait are bounded; beyond this the newest are dropped rather than the service's memory eaten.
    private static let capacity = 8 * 1_024 * 1_024

    private init(_ file: FileHandle) {
        let thread = Thread { [self] in
            while true {
                wake.wait()
                drain(into: file)
            }
        }
        thread.name = "log"
        thread.start()
    }

    func write(_ line: [UInt8]) {
        let wasEmpty = pending.withLock { pending in
            guard pending.count + line.count < Self.capacity else { return false }
            defer {
                pending.append(contentsOf: line)
                pending.append(UInt8(ascii: "\n"))
            }
            return pending.isEmpty
        }
        if wasEmpty { wake.signal() }
    }

    /// Writes what waits; also called last thing before the process ends.
    func drain(into file: FileHandle = .standardOutput) {
        let bytes = pending.withLock { pending in
            defer { pending.removeAll(keepingCapacity: true) }
            return pending
        }
        if !bytes.isEmpty { try? file.write(contentsOf: Data(bytes)) }
    }
}
