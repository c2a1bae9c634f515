import Contracts
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import StrictJSON

/// Around every call: its IDs, its log line, and a problem document for whatever goes wrong inside.
struct CallEnvelope: RouterMiddleware {
    typealias Context = CallContext

    func handle(
        _ request: Request, context: CallContext, next: (Request, CallContext) async throws -> Response
    ) async throws -> Response {
        let scope = context.source.scope
        return try await RequestScope.$current.withValue(scope) {
            var response: Response
            do {
                response = try await next(request, context)
            } catch let withheld as AnswerWithheld {
                throw withheld
            } catch {
                let problem = Problem.of(error, logger: context.logger)
                response = problem.response(in: request.language, scope: scope)
            }
            response.headers[.requestID] = scope.requestID
            if context.logger.logLevel <= .info {
                context.logger.info(
                    "call",
                    metadata: [
                        "request": "\(scope.requestID)", "trace": "\(scope.traceparent.dropFirst(3).prefix(32))",
                        "method": "\(request.method)", "route": "\(context.endpointPath ?? "-")",
                        "status": "\(response.status.code)",
                        "caller": "\(context.source.callers.map(\.rawValue).sorted().joined(separator: " "))",
                    ])
            }
            return response
        }
    }
}

/// Thrown by a handler, closes the connection instead of answering: how the sandbox loses a reply.
public struct AnswerWithheld: Error {
    public init() {}
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-ID")!
    static let traceparent = HTTPField.Name("Traceparent")!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let webhookID = HTTPField.Name("Webhook-Id")!
    static let webhookTimestamp = HTTPField.Name("Webhook-Timestamp")!
    static let webhookSignature = HTTPField.Name("Webhook-Signature")!
}

extension Problem {
    /// What the caller may know of `error`. Anything unforeseen becomes a bare 500, and only the log, where
    /// one is given, sees the cause.
    static func of(_ error: any Error, logger: Logger?) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as JSONError:
            let code: ProblemCode =
                switch error.reason {
                case .malformed, .duplicateKey, .tooDeep: .malformedJSON
                case .tooLarge: .bodyTooLarge
                case .unknownField: .unknownField
                case .missingField, .wrongType, .invalidValue: .invalidField
                }
            return Problem(code, error.detail, field: error.path.isEmpty ? nil : error.path)
        case let error as InvalidValue: return Problem(.invalidField, error.description)
        case let error as IllegalTransition: return Problem(.wrongState, error.description)
        case is CancellationError: return Problem(.deadlineExceeded)
        case let error as HTTPError where error.status == .notFound: return Problem(.notFound)
        case let error as HTTPError where error.status == .methodNotAllowed: return Problem(.methodNotAllowed)
        default:
            logger?.error(
                "unexpected failure",
                metadata: ["request": "\(RequestScope.current?.requestID ?? "-")", "cause": "\(error)"])
            return Problem(.internalError)
        }
    }

    func response(in language: ProblemCode.Language, scope: RequestScope) -> Response {
        let document = Problem.Document(self, language: language, requestID: scope.requestID)
        var headers: HTTPFields = [.contentType: "application/problem+json; charset=utf-8"]
        if let retryAfter { headers[.retryAfter] = String(max(1, (retryAfter.milliseconds + 999) / 1_000)) }
        return Response(
            status: HTTPResponse.Status(code: code.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: (try? StrictJSON.encode(document)) ?? [])))
    }
}
