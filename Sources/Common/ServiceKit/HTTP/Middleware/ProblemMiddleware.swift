import Common
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Makes a ``Problem`` of every error, so that all of them look alike and none tells of our insides.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let routes: RouteTable

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPParserError {
            throw error  // the connection is beyond an answer; the server closes it with 400
        } catch {
            return try problem(error, request, context).response(from: request, context: context)
        }
    }

    private func problem(_ error: any Error, _ request: Request, _ context: APIContext) -> Problem {
        switch error {
        case let problem as Problem:
            return problem
        case let error as HTTPError where error.status == .notFound:
            return unknownRoute(request)
        case is NIOTooManyBytesError:
            return Problem.contentTooLarge("the body is larger than this route takes; send less at once")
        case let error as any HTTPResponseError:
            return Problem(error.status, code: "refused", error.status.reasonPhrase)
        // All topics are there when a server begins, so a broker that knows none has just begun itself.
        case EventLogError.unavailable(let reason), EventLogError.unknownTopic(let reason),
            DatabaseError.unavailable(let reason), DatabaseError.serializationFailure(let reason):
            context.logger.error("a request met a store that is not available", metadata: ["reason": "\(reason)"])
            return Problem.unavailable("storage does not take the request now; send it again later")
        default:
            context.logger.error(
                "a request failed", metadata: ["error": "\(error)", "route": "\(context.endpointPath ?? "none")"])
            return Problem(
                .internalServerError, code: "internal_error",
                "something went wrong here; the log has the reason under this request id")
        }
    }

    private func unknownRoute(_ request: Request) -> Problem {
        let methods = routes.methods(of: request.uri.path).map(\.rawValue)
        guard methods.isEmpty else {
            var problem = Problem(
                .methodNotAllowed, code: "method_not_allowed",
                "\(request.uri.path) takes \(methods.joined(separator: ", ")), not \(request.method)")
            problem.allow = methods
            return problem
        }
        return Problem.notFound("nothing answers at \(request.uri.path); the routes are in schemas/openapi.yaml")
    }
}
