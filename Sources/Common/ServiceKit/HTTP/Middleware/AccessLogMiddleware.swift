import Common
import HTTPTypes
import Hummingbird
import Logging

/// Writes one structured line for each request: quiet where all is well, loud where we failed.
struct AccessLogMiddleware: RouterMiddleware {
    typealias Context = APIContext

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let begun = ContinuousClock.now
        let response = try await next(request, context)
        let level: Logger.Level =
            switch response.status.code {
            case 500...: .error
            case 400...: .info
            default: .debug
            }
        context.logger.log(
            level: level, "request",
            metadata: [
                "method": "\(request.method)", "path": "\(request.uri.path)", "status": "\(response.status.code)",
                "seconds": "\((ContinuousClock.now - begun).seconds)",
            ])
        return response
    }
}
