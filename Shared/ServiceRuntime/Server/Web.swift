import Contracts
import HTTPTypes
import Hummingbird
import NIOCore
import StrictJSON

/// One request of a browser.
public struct WebRequest: Sendable {
    /// What stands in place of `{id}` in the path.
    public let id: String
    public let path: String
    public let cookies: [String: String]
    /// Where the page came from that asks (RFC 6454); nil where the browser does not say.
    public let origin: String?
    public let language: ProblemCode.Language
    public let address: String
    private let rawQuery: String
    private let body: [UInt8]
    private let mediaType: String

    init(_ request: Request, _ context: CallContext) {
        var buffer = context.source.body
        id = context.parameters.get("id") ?? ""
        path = request.uri.path
        origin = request.headers[.origin]
        language = request.language
        address = context.source.address
        rawQuery = request.uri.query ?? ""
        body = buffer.readBytes(length: buffer.readableBytes) ?? []
        mediaType = (request.headers[.contentType] ?? "").lowercased()
        var cookies: [String: String] = [:]
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingWhitespace() }
                if parts.count == 2 { cookies[parts[0]] = parts[1] }
            }
        }
        self.cookies = cookies
    }

    /// - Throws: ``ProblemCode/invalidField``, ``ProblemCode/unknownField``.
    public func query<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try QueryDecoder.decode(type, from: rawQuery)
    }

    /// The fields of a form.
    ///
    /// - Throws: ``ProblemCode/unsupportedMediaType``, ``ProblemCode/invalidField``, ``ProblemCode/unknownField``.
    public func form<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard mediaType.hasPrefix("application/x-www-form-urlencoded") else { throw Problem(.unsupportedMediaType) }
        return try QueryDecoder.decode(type, from: String(decoding: body, as: UTF8.self))
    }

    /// - Throws: ``ProblemCode/unsupportedMediaType``, or what ``StrictJSON`` finds.
    public func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard mediaType.hasPrefix("application/json") else { throw Problem(.unsupportedMediaType) }
        return try StrictJSON.decode(type, from: body, rules: .publicAPI)
    }
}

extension Substring {
    fileprivate func trimmingWhitespace() -> String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

/// What a browser gets.
public struct WebReply: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func json(
        _ value: some Encodable, status: Int = 200, headers: [(name: String, value: String)] = []
    ) throws -> WebReply {
        WebReply(
            status: status, headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store")] + headers,
            body: try StrictJSON.encode(value))
    }

    /// 303: the browser goes on by GET (RFC 9110, 15.4.4).
    public static func redirect(to location: String) -> WebReply {
        WebReply(status: 303, headers: [("Location", location), ("Cache-Control", "no-store")])
    }

    /// Replaces a field, or adds it.
    public mutating func set(_ name: String, _ value: String) {
        headers.removeAll { $0.name == name }
        headers.append((name, value))
    }

    fileprivate var response: Response {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return Response(
            status: HTTPResponse.Status(code: status), headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// The routes of a listener for browsers.
public struct WebRoutes {
    public enum Method: Sendable { case get, post, options }

    /// Runs a handler and answers for what it throws.
    public typealias Envelope =
        @Sendable (WebRequest, @Sendable (WebRequest) async throws -> WebReply) async throws -> WebReply

    let routes: Routes<PortalAPI>
    let envelope: Envelope

    public func on(
        _ method: Method, _ path: String, _ handler: @escaping @Sendable (WebRequest) async throws -> WebReply
    ) {
        let method: HTTPRequest.Method =
            switch method {
            case .get: .get
            case .post: .post
            case .options: .options
            }
        let envelope = envelope
        routes.router.on(RouterPath(path), method: method) { request, context in
            try await envelope(WebRequest(request, context), handler).response
        }
    }
}

extension Problem {
    /// The body of `application/problem+json` for the present request.
    public func document(in language: ProblemCode.Language) -> Problem.Document {
        Problem.Document(self, language: language, requestID: RequestScope.current?.requestID ?? "")
    }
}
