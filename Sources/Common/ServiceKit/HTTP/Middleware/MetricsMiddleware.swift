import Hummingbird
import Synchronization

/// Counts requests by route pattern and status; a counter is looked up once and kept.
final class MetricsMiddleware: RouterMiddleware {
    typealias Context = APIContext

    private struct Key: Hashable {
        var route: String
        var status: Int
    }

    private let metrics: Metrics
    private let counters = Mutex<[Key: Metrics.Counter]>([:])

    init(metrics: Metrics) { self.metrics = metrics }

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        counter(Key(route: context.endpointPath ?? "none", status: response.status.code)).add()
        return response
    }

    private func counter(_ key: Key) -> Metrics.Counter {
        counters.withLock { counters in
            if let counter = counters[key] { return counter }
            let counter = metrics.counter(.httpRequests, [("route", key.route), ("status", String(key.status))])
            counters[key] = counter
            return counter
        }
    }
}
