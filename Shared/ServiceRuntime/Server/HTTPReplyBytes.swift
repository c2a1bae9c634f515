import Contracts
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import StrictJSON

/// An answer on its way to the wire: head and body of one response.
struct HTTPReplyBytes: Sendable {
    private let status: HTTPResponse.Status
    private let headers: HTTPFields
    private let body: ByteBuffer

    /// Runs the responder; whatever it throws has become a response before (see ``CallEnvelope``). nil when the
    /// connection is to be closed without an answer.
    static func from<Responder: HTTPResponder>(
        _ responder: Responder, _ request: Request, _ context: CallContext
    ) async -> HTTPReplyBytes? where Responder.Context == CallContext {
        do {
            let response = try await responder.respond(to: request, context: context)
            let collected = CollectedBody()
            try await response.body.write(collected)
            return HTTPReplyBytes(status: response.status, headers: response.headers, body: collected.buffer)
        } catch is AnswerWithheld {
            return nil
        } catch {
            let problem = Problem.of(error, logger: context.logger)
            return HTTPReplyBytes(problem, language: request.language, scope: context.source.scope)
        }
    }

    private init(status: HTTPResponse.Status, headers: HTTPFields, body: ByteBuffer) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(_ problem: Problem, language: ProblemCode.Language, scope: RequestScope) {
        let response = problem.response(in: language, scope: scope)
        let document = Problem.Document(problem, language: language, requestID: scope.requestID)
        self.init(
            status: response.status, headers: response.headers,
            body: ByteBuffer(bytes: (try? StrictJSON.encode(document)) ?? []))
    }

    /// HTTP/1.1 (RFC 9112): status line, fields, the body with its length.
    func bytes(closing: Bool) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 256 + body.readableBytes)
        buffer.writeString("HTTP/1.1 ")
        buffer.writeString(String(status.code))
        buffer.writeString(" ")
        buffer.writeString(HTTPResponseStatus(statusCode: status.code).reasonPhrase)
        buffer.writeString("\r\ndate: ")
        buffer.writeString(HTTPDate.now)
        buffer.writeString("\r\ncontent-length: ")
        buffer.writeString(String(body.readableBytes))
        for field in headers where field.name != .contentLength {
            buffer.writeString("\r\n")
            buffer.writeString(field.name.canonicalName)
            buffer.writeString(": ")
            buffer.writeString(field.value)
        }
        buffer.writeString(closing ? "\r\nconnection: close\r\n\r\n" : "\r\n\r\n")
        buffer.writeImmutableBuffer(body)
        return buffer
    }
}

/// Gathers what a response writes.
private final class CollectedBody: ResponseBodyWriter, Sendable {
    private let collected = NIOLockedValueBox(ByteBuffer())

    var buffer: ByteBuffer { collected.withLockedValue { $0 } }

    func write(_ buffer: ByteBuffer) async throws {
        collected.withLockedValue { collected in
            if collected.readableBytes == 0 { collected = buffer } else { collected.writeImmutableBuffer(buffer) }
        }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// The Date field (RFC 9110, 5.6.7), made once per second.
enum HTTPDate {
    private static let cache = NIOLockedValueBox<(second: Int64, text: String)>((0, ""))
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let clock = ServiceClock()

    static var now: String {
        let now = clock.now
        return cache.withLockedValue { cache in
            if cache.second != now.seconds { cache = (now.seconds, text(now)) }
            return cache.text
        }
    }

    private static func text(_ instant: Instant) -> String {
        let day = CalendarDay(daysSince1970: instant.seconds / 86_400)
        let (year, month, dayOfMonth) = day.components
        let clock = instant.text.dropFirst(11).prefix(8)
        let padded = dayOfMonth < 10 ? "0\(dayOfMonth)" : "\(dayOfMonth)"
        return "\(weekdays[Int(day.daysSince1970 % 7)]), \(padded) \(months[month - 1]) \(year) \(clock) GMT"
    }
}

extension Request {
    /// Chinese unless the caller prefers English (RFC 9110, 12.5.4).
    var language: ProblemCode.Language {
        headers[.acceptLanguage]?.lowercased().hasPrefix("en") == true ? .english : .chinese
    }
}
