import ByteJSON
import Common
import Connectors
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization

/// A provider on loopback: a real HTTP server that gives the answers of a conformance case, and trouble when told to.
final class PlayedProvider: Sendable {
    /// What happens to the answers of some requests.
    enum Trouble: Sendable {
        case none
        /// This one request (from 0) is answered with a status.
        case once(Int, status: Int, headers: [String: String] = [:])
        /// All requests from this one on are answered with a status.
        case from(Int, status: Int)
        /// Pages go through this before they are sent.
        case changed(@Sendable (JSON) -> JSON)
    }

    private struct State {
        var trouble = Trouble.none
        var requests = 0
        /// From where on items were asked for, by the parameter that says it.
        var bounds: [String: String] = [:]
        /// Positions of the answers that were given.
        var given: Set<Int> = []
        /// Addresses that there is no answer for.
        var unknown: [String] = []
    }

    /// The answers of the case, those that name most parameters first.
    private let answers: [ProviderAnswer]
    /// A page without what lies before the bounds that were asked for, which hold for the pages that follow, too.
    private let bounded: @Sendable (JSON, _ bounds: [String: String]) -> JSON
    private let state = Mutex(State())

    init(_ answers: [ProviderAnswer], bounded: @escaping @Sendable (JSON, [String: String]) -> JSON) {
        self.bounded = bounded
        self.answers = answers.enumerated()
            .sorted { ($1.element.query.count, $0.offset) < ($0.element.query.count, $1.offset) }.map(\.element)
    }

    /// Counts requests from 0 again, and gives this trouble from now on.
    func give(_ trouble: Trouble) {
        state.withLock { state in
            state.trouble = trouble
            state.requests = 0
        }
    }

    /// Requests since the trouble was set.
    var requests: Int { state.withLock { $0.requests } }
    /// Answers that were never asked for.
    var unasked: [ProviderAnswer] {
        let given = state.withLock { $0.given }
        return answers.indices.filter { !given.contains($0) }.map { answers[$0] }
    }
    /// Addresses that were asked for and have no answer.
    var unknown: [String] { state.withLock { $0.unknown } }

    /// The answer to a request.
    private func response(to request: Request) -> Response {
        let query = request.uri.query.map { Payload.form(Array($0.utf8)) } ?? []
        let parameters = query.map { ProviderAnswer.Parameter($0.name, $0.value) }
        let path = request.uri.path.removingPercentEncoding ?? request.uri.path
        let found = answers.firstIndex { $0.answers(path: path, query: parameters) }
        let (trouble, number, bounds) = state.withLock { state in
            defer { state.requests += 1 }
            for parameter in parameters { state.bounds[parameter.name] = parameter.value }
            if let found { state.given.insert(found) } else { state.unknown.append(request.uri.string) }
            return (state.trouble, state.requests, state.bounds)
        }
        switch trouble {
        case .once(number, let status, let headers): return Self.response(status, headers, "{}")
        case .from(let first, let status) where number >= first: return Self.response(status, [:], "{}")
        default: break
        }
        guard let found else { return Self.response(404, [:], "{}") }
        let answer = answers[found]
        if let tag = answer.headers.first(where: { $0.key.lowercased() == "etag" })?.value,
            request.headers[.ifNoneMatch] == tag
        {
            return Self.response(304, answer.headers, "")
        }
        var body = bounded(answer.body, bounds)
        if case .changed(let change) = trouble { body = change(body) }
        return Self.response(answer.status, answer.headers, String(decoding: body.bytes, as: UTF8.self))
    }

    private static func response(_ status: Int, _ headers: [String: String], _ body: String) -> Response {
        var response = Response(status: .init(code: status), body: .init(byteBuffer: .init(string: body)))
        response.headers[.contentType] = "application/json"
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
        return response
    }

    /// Runs the server while `body` reads it through a transport that leads every address to it.
    func run<Value: Sendable>(
        through transport: any HTTPTransport, logger: Logger, _ body: (any HTTPTransport) async throws -> Value
    ) async throws -> Value {
        let router = Router()
        router.on("**", method: .get) { request, _ in self.response(to: request) }
        router.on("**", method: .post) { request, _ in self.response(to: request) }
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { listening.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: server)], gracefulShutdownSignals: [], logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { listening.finish() }
                try await group.run()
            }
            var waiting = ports.makeAsyncIterator()
            guard let port = await waiting.next() else {
                try await tasks.waitForAll()
                throw CancellationError()
            }
            let outcome: Result<Value, any Error>
            do {
                outcome = .success(try await body(LoopbackTransport(base: transport, port: port)))
            } catch {
                outcome = .failure(error)
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return try outcome.get()
        }
    }
}

/// Sends every request to a port on loopback, whatever its address; the rest of the address stays.
private struct LoopbackTransport: HTTPTransport {
    let base: any HTTPTransport
    let port: Int

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        guard let scheme = request.url.firstRange(of: "://") else { throw .invalidURL(request.url) }
        let rest = request.url[scheme.upperBound...].drop { $0 != "/" && $0 != "?" }
        var request = request
        request.url = "http://127.0.0.1:\(port)" + (rest.first == "/" ? "" : "/") + rest
        return try await base.send(request)
    }
}
