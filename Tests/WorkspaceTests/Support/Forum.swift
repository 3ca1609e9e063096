import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import Logging
import ServiceKit
import ServiceLifecycle
import Synchronization
import TestKit

/// A provider on loopback: it wants the key `right`, and says so.
func withForum(_ body: (_ url: String, _ requests: ForumRequests) async throws -> Void) async throws {
    let seen = ForumRequests()
    let router = Router()
    router.get("/check") { request, _ -> Response in
        seen.note("check " + (request.headers[.init("Api-Key")!] ?? "-"))
        return Response(status: request.headers[.init("Api-Key")!] == "right" ? .ok : .unauthorized)
    }
    router.get("/boards") { _, _ -> Response in
        .json(["boards": [["slug": "ideas", "name": "Ideas"], ["slug": "bugs", "name": "Bugs"]]])
    }
    let (ports, listening) = AsyncStream<Int>.makeStream()
    let application = Application(
        router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { listening.yield($0.localAddress?.port ?? 0) }, logger: .quiet)
    try await withRunning(application, logger: .quiet) {
        var waiting = ports.makeAsyncIterator()
        let port = await waiting.next() ?? 0
        try await body("http://127.0.0.1:\(port)", seen)
    }
}

/// What the forum was asked.
final class ForumRequests: Sendable {
    private let list = Mutex<[String]>([])
    fileprivate func note(_ request: String) { list.withLock { $0.append(request) } }
    var all: [String] { list.withLock { $0 } }
}
