import HTTPTypes
import Hummingbird
import Logging

/// Gives every request an id, the sender's own where it sent a reasonable one, and tells it in the response.
struct RequestIDMiddleware: RouterMiddleware {
    typealias Context = APIContext

    static let header = HTTPField.Name("X-Request-Id")!

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let given = request.headers[Self.header], Self.isReasonable(given) {
            context.rename(given)
        }
        var response = try await next(request, context)
        response.headers[Self.header] = context.requestID
        return response
    }

    /// Goes into logs and headers, so it is short and plain.
    static func isReasonable(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy {
                ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 == 0x2D || $0 == 0x5F
                    || $0 == 0x2E
            }
    }
}
