import Contracts
import Foundation

/// Tells the walk: a line per step with its ID, what happened and how long it took. Coloured on a terminal, plain in a
/// pipe, in the reader's language.
final class Narrator {
    /// A step that did not do what the manual says.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// The same words in both languages.
    struct Text {
        let chinese: String
        let english: String

        init(_ chinese: String, _ english: String) {
            self.chinese = chinese
            self.english = english
        }

        /// What is the same in both, such as a number.
        init(_ same: String) { self.init(same, same) }
    }

    private let language: ProblemCode.Language
    private let isColoured: Bool
    private let start = ContinuousClock.now

    init(_ language: ProblemCode.Language) {
        self.language = language
        isColoured = isatty(1) == 1
    }

    func say(_ text: Text) -> String { language == .chinese ? text.chinese : text.english }

    /// Runs one step; what it throws ends the walk.
    func step<Value>(
        _ id: String, _ title: Text, _ work: () async throws -> (Value, Text)
    ) async throws -> Value {
        let begun = ContinuousClock.now
        do {
            let (value, outcome) = try await work()
            line("✓", 32, id, say(title) + "  " + say(outcome), since: begun)
            return value
        } catch {
            line("✗", 31, id, say(title) + "  \(error)", since: begun)
            throw Failed(description: "\(id): \(error)")
        }
    }

    /// Runs a step that must be refused, with this code.
    func refusal<Value>(
        _ id: String, _ title: Text, _ expected: ProblemCode, _ work: () async throws -> Value
    ) async throws {
        let begun = ContinuousClock.now
        do {
            _ = try await work()
        } catch let problem as Problem where problem.code == expected {
            line("⊘", 33, id, say(title) + "  \(expected.sentence(in: language)) [\(expected.rawValue)]", since: begun)
            return
        } catch {
            line("✗", 31, id, say(title) + "  \(error)", since: begun)
            throw Failed(description: "\(id): \(error), \(expected.rawValue) was due")
        }
        line("✗", 31, id, say(title) + say(Text("  未被拒绝", "  was not refused")), since: begun)
        throw Failed(description: "\(id): was not refused")
    }

    private func line(_ mark: String, _ colour: Int, _ id: String, _ text: String, since begun: ContinuousClock.Instant)
    {
        let milliseconds = (ContinuousClock.now - begun).milliseconds
        let padded = id + String(repeating: " ", count: max(1, 8 - id.count))
        emit(paint("\(mark) \(padded)", colour) + text + paint("  \(milliseconds) ms", 90))
    }

    func heading(_ text: Text) { emit("\n" + paint(say(text), 1)) }
    func note(_ text: Text) { emit("  " + say(text)) }

    func totalTime() -> String {
        let milliseconds = (ContinuousClock.now - start).milliseconds
        return "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s"
    }

    /// At once, also into a pipe.
    private func emit(_ line: String) { try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8)) }

    private func paint(_ text: String, _ colour: Int) -> String {
        isColoured ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
    }
}
