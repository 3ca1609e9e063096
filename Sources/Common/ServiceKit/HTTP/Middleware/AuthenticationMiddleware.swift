import HTTPTypes
import Hummingbird

/// Finds out who asks, where the request says so. Whether that is enough is for the route to say.
///
/// A token that is not ours does not end the request: a provider's delivery may carry one of its own.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let authenticator: Authenticator

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let authorization = request.headers[.authorization] else { return try await next(request, context) }
        var context = context
        do {
            let scheme = authorization.prefix { $0 != " " }
            guard scheme.lowercased() == "bearer" else { throw AuthenticationFailure.malformed }
            let token = authorization.dropFirst(scheme.count).drop { $0 == " " }
            context.caller = try await authenticator.authenticate(String(token))
        } catch let failure as AuthenticationFailure {
            context.refusal = failure
        }
        return try await next(request, context)
    }
}
