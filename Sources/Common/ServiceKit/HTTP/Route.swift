public import HTTPTypes
public import Hummingbird
import Synchronization

/// A method and a path pattern that the server answers: `GET /v1/streams/{stream}`.
public struct Route: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let method: HTTPRequest.Method
    /// Parameters in braces.
    public let path: String

    public init(method: HTTPRequest.Method, path: String) {
        self.method = method
        self.path = path
    }

    public var description: String { "\(method) \(path)" }
    public static func < (left: Route, right: Route) -> Bool {
        (left.path, left.method.rawValue) < (right.path, right.method.rawValue)
    }

    /// Whether a request's path fits the pattern.
    func matches(_ requested: String) -> Bool {
        let pattern = path.split(separator: "/")
        let parts = requested.split(separator: "/")
        for (i, element) in pattern.enumerated() {
            if element == "**" { return true }
            guard i < parts.count, element.hasPrefix("{") || element == "*" || element == parts[i] else { return false }
        }
        return pattern.count == parts.count
    }
}

extension Router<APIContext> {
    /// All routes, sorted by path.
    public var table: [Route] { routes.map { Route(method: $0.method, path: $0.path.description) }.sorted() }
}

/// The routes that exist, for those who are made before the routes are.
final class RouteTable: Sendable {
    private let routes = Mutex<[Route]>([])

    func fill(with routes: [Route]) { self.routes.withLock { $0 = routes } }

    /// The methods that this path takes; where there is GET, there is HEAD.
    func methods(of path: String) -> [HTTPRequest.Method] {
        let methods = routes.withLock { $0 }.filter { $0.matches(path) }.map(\.method)
        return methods.flatMap { $0 == .get ? [.get, .head] : [$0] }
    }
}
