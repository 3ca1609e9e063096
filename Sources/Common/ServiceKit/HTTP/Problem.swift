import ByteJSON
public import HTTPTypes
public import Hummingbird
import NIOCore

/// An error as `application/problem+json` (RFC 9457): what is wrong, and what to do.
public struct Problem: Error, Sendable, HTTPResponseError {
    public var status: HTTPResponse.Status
    /// A word that programs can branch on: `unknown_parameter`.
    public var code: String
    /// The thing, the reason, the next step.
    public var detail: String
    /// Seconds after which trying again makes sense.
    public var retryAfter: Int?
    /// The methods that the path takes, where the method was wrong.
    public var allow: [String] = []
    /// Where in the request: a JSON pointer or a parameter's name, and what is wrong there.
    public var errors: [(at: String, reason: String)]

    public init(
        _ status: HTTPResponse.Status, code: String, _ detail: String, retryAfter: Int? = nil,
        errors: [(at: String, reason: String)] = []
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.retryAfter = retryAfter
        self.errors = errors
    }

    public static func badRequest(_ detail: String, errors: [(at: String, reason: String)] = []) -> Problem {
        Problem(.badRequest, code: "bad_request", detail, errors: errors)
    }
    public static func unauthorized(_ detail: String) -> Problem {
        Problem(.unauthorized, code: "unauthorized", detail)
    }
    public static func forbidden(_ detail: String) -> Problem { Problem(.forbidden, code: "forbidden", detail) }
    public static func notFound(_ detail: String) -> Problem { Problem(.notFound, code: "not_found", detail) }
    public static func conflict(_ detail: String) -> Problem { Problem(.conflict, code: "conflict", detail) }
    public static func contentTooLarge(_ detail: String) -> Problem {
        Problem(.contentTooLarge, code: "content_too_large", detail)
    }
    /// The request is well formed and cannot be done as it is.
    public static func unprocessable(_ detail: String, errors: [(at: String, reason: String)] = []) -> Problem {
        Problem(.unprocessableContent, code: "unprocessable", detail, errors: errors)
    }
    public static func unavailable(_ detail: String, retryAfter: Int = 5) -> Problem {
        Problem(.serviceUnavailable, code: "unavailable", detail, retryAfter: retryAfter)
    }

    public func response(from request: Request, context: some RequestContext) throws -> Response {
        let requestID = (context as? APIContext)?.requestID
        var headers: HTTPFields = [.contentType: "application/problem+json"]
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        if !allow.isEmpty { headers[.allow] = allow.joined(separator: ", ") }
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
        return Response(
            status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body(requestID: requestID))))
    }

    private func body(requestID: String?) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "about:blank")
        writer.member("title", status.reasonPhrase)
        writer.member("status", status.code)
        writer.member("code", code)
        writer.member("detail", detail)
        if let requestID { writer.member("request_id", requestID) }
        if !errors.isEmpty {
            writer.key("errors")
            writer.beginArray()
            for error in errors {
                writer.beginObject()
                writer.member("at", error.at)
                writer.member("reason", error.reason)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }
}
