import ByteJSON
public import Common
import HTTPTypes
public import Hummingbird
import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization

/// Plays a forum, and an empty issue tracker and app store, on loopback, with the traps that a real one sets: it sends the reader away for a second now and
/// then, in each of the ways that Discourse has.
public final class ForumServer: Service {
    private let forum: Forum
    /// One request in so many is refused; 0 refuses none.
    private let refuseEvery: Int
    private let answered = Mutex(0)
    private let refused = Mutex(0)
    private let bound: AsyncStream<Int>
    private let announce: AsyncStream<Int>.Continuation

    public init(_ forum: Forum, refuseEvery: Int = 60) {
        self.forum = forum
        self.refuseEvery = refuseEvery
        (bound, announce) = AsyncStream.makeStream()
    }

    /// How many requests were answered, and how many of them by "come back later".
    public var counts: (answered: Int, refused: Int) { (answered.withLock { $0 }, refused.withLock { $0 }) }

    /// The port, once the server listens.
    public func port() async -> Int? {
        for await port in bound { return port }
        return nil
    }

    public func run() async throws {
        let router = Router()
        router.get("/search.json") { request, _ in
            try self.answer(request, isSearch: true) {
                self.forum.search(
                    String(request.uri.queryParameters["q"] ?? ""),
                    page: Int(request.uri.queryParameters["page"] ?? "1") ?? 1)
            }
        }
        router.get("/posts.json") { request, _ in
            try self.answer(request) {
                self.forum.latest(before: request.uri.queryParameters["before"].flatMap { Int($0) })
            }
        }
        router.get("/posts/:name") { request, context in
            try self.answer(request) { Self.id(context).flatMap(self.forum.post) }
        }
        router.get("/t/:name") { request, context in
            try self.answer(request) { Self.id(context).flatMap(self.forum.topic) }
        }
        router.get("/t/:name/posts.json") { request, context in
            try self.answer(request) {
                let ids = request.uri.queryParameters.filter { $0.key == "post_ids[]" }.compactMap { Int($0.value) }
                return Self.id(context).flatMap { self.forum.posts(of: $0, ids: Set(ids)) }
            }
        }
        for route in ["/site.json", "/about.json", "/site/basic-info.json"] {
            router.get(RouterPath(route)) { request, _ in
                try self.answer(request) {
                    Array(#"{"title":"Lanternfish forum","categories":[],"about":{"title":"Lanternfish forum"}}"#.utf8)
                }
            }
        }
        // What the other sources are checked against before a workspace is made.
        router.get("/repos/:owner/:name/issues") { _, _ in Self.json(.ok, Array("[]".utf8)) }
        router.get("/repos/:owner/:name/issues/comments") { _, _ in Self.json(.ok, Array("[]".utf8)) }
        router.get("/:country/rss/customerreviews/**") { _, _ in
            Self.json(.ok, Array(#"{"feed":{"title":{"label":"Customer reviews"}}}"#.utf8))
        }
        var logger = Logger(label: "forum")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { [announce] channel in
                announce.yield(channel.localAddress?.port ?? 0)
                announce.finish()
            }, logger: logger)
        try await application.runService(gracefulShutdownSignals: [])
    }

    private static func id(_ context: some RequestContext) -> Int? {
        context.parameters.get("name").flatMap { Int($0.prefix { $0 != "." }) }
    }

    private func answer(_ request: Request, isSearch: Bool = false, _ body: () throws -> [UInt8]?) rethrows -> Response
    {
        let number = answered.withLock { count in
            count += 1
            return count
        }
        if refuseEvery > 0, number % refuseEvery == 0 {
            refused.withLock { $0 += 1 }
            return Self.refusal(number / refuseEvery, isSearch: isSearch)
        }
        guard let bytes = try body() else {
            return Self.json(
                isSearch ? .badRequest : .notFound,
                Array(
                    #"{"errors":["The requested URL or resource could not be found."],"error_type":"not_found"}"#.utf8))
        }
        return Self.json(.ok, bytes)
    }

    /// The three ways in which Discourse says "later".
    private static func refusal(_ number: Int, isSearch: Bool) -> Response {
        if isSearch {
            return json(
                .tooManyRequests, Array(#"{"failed":"FAILED","message":"You are searching too quickly."}"#.utf8))
        }
        if number % 2 == 0 {
            var response = json(
                .tooManyRequests,
                Array(
                    #"{"errors":["Slow down"],"error_type":"rate_limit","extras":{"wait_seconds":1,"time_left":"1 second"}}"#
                        .utf8))
            response.headers[.retryAfter] = "1"
            return response
        }
        return Response(
            status: .tooManyRequests,
            headers: [
                .contentType: "text/plain", .retryAfter: "1",
                HTTPField.Name("Discourse-Rate-Limit-Error-Code")!: "ip_10_secs_limit",
            ], body: .init(byteBuffer: ByteBuffer(string: "Slow down, too many requests from this address.")))
    }

    private static func json(_ status: HTTPResponse.Status, _ bytes: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
