public import ByteJSON
import Foundation
import HTTPTypes
public import Hummingbird
import NIOCore

extension Request {
    /// The whole body.
    ///
    /// - Throws: ``Problem`` 413 if it is longer than `limit`, before reading it where the sender tells its length.
    public func bytes(limit: Int) async throws -> [UInt8] {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge(limit) }
        do {
            return Array(buffer: try await body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw tooLarge(limit)
        }
    }

    /// The body as JSON.
    ///
    /// - Throws: ``Problem`` 415 if it says that it is something else, 400 if it is not JSON, 413 if it is too long.
    public func json(limit: Int = 1 << 20) async throws -> JSONDocument {
        let type = headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? "application/json"
        guard type == "application/json" || type.hasSuffix("+json") else {
            throw Problem(
                .unsupportedMediaType, code: "unsupported_media_type",
                "this route takes JSON, not \(type); send `Content-Type: application/json`")
        }
        let bytes = try await bytes(limit: limit)
        guard !bytes.isEmpty else { throw Problem.badRequest("the body is empty; send a JSON object") }
        do {
            return try JSONDocument(parsing: bytes, maximumDepth: 64)
        } catch {
            throw Problem.badRequest("the body is \(error)")
        }
    }

    /// The body as an object whose members are read one by one.
    public func jsonObject(limit: Int = 1 << 20) async throws -> BodyObject {
        try BodyObject(await json(limit: limit))
    }

    /// The body decoded.
    ///
    /// - Parameter members: The names that the object may have; nil does not look.
    /// - Throws: ``Problem`` 400 with a JSON pointer to what is wrong.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, members: [String]? = nil, limit: Int = 1 << 20
    )
        async throws -> Value
    {
        let document = try await json(limit: limit)
        if let members {
            let unknown = document.root.members.map(\.name).filter { !members.contains($0) }
            guard unknown.isEmpty else {
                throw Problem.badRequest(
                    "the body has members that are not known here",
                    errors: unknown.map { ("/" + $0, Suggestion.hint(for: $0, among: members)) })
            }
        }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(document.bytes))
        } catch let error as DecodingError {
            throw Problem.badRequest("the body is not as this route takes it", errors: [error.place])
        }
    }

    private func tooLarge(_ limit: Int) -> Problem {
        .contentTooLarge("the body is larger than the \(limit) bytes that this route takes; send less at once")
    }
}

extension DecodingError {
    /// A JSON pointer to what is wrong, and what it is.
    fileprivate var place: (at: String, reason: String) {
        func pointer(_ path: [any CodingKey]) -> String {
            path.map { "/" + ($0.intValue.map(String.init) ?? $0.stringValue) }.joined()
        }
        return switch self {
        case .keyNotFound(let key, let context): (pointer(context.codingPath + [key]), "is required")
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            (pointer(context.codingPath), context.debugDescription)
        @unknown default: ("", "\(self)")
        }
    }
}
