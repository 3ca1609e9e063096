import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import ServiceKit
import Synchronization
import TestKit

/// A provider on loopback that has webhooks: it keeps them, and fails as it is told.
final class Tracker: Sendable {
    struct Hook: Sendable, Hashable {
        var id: String
        var project: String
        var target: String
        var secret: String
        var name: String
    }

    /// What a request comes to.
    enum Fault: Sendable {
        /// It is answered so, and nothing happens.
        case refused(Int)
        /// It is done, and the answer is lost on the way.
        case lost
    }

    private struct State {
        var hooks: [Hook] = []
        var next = 1
        var requests: [String] = []
        var fault: @Sendable (_ request: String, _ times: Int) -> Fault? = { _, _ in nil }
        var times: [String: Int] = [:]
    }
    private let state = Mutex(State())

    var hooks: [Hook] { state.withLock { $0.hooks } }
    var requests: [String] { state.withLock { $0.requests } }

    /// Has requests fail: `request` is `POST ideas`, `times` says the how many-th such one it is.
    func fail(_ fault: @escaping @Sendable (_ request: String, _ times: Int) -> Fault?) {
        state.withLock { state in
            state.fault = fault
            state.times = [:]
        }
    }

    private func answer(_ request: String, _ act: (inout State) -> Response) -> Response {
        state.withLock { state in
            state.requests.append(request)
            state.times[request, default: 0] += 1
            switch state.fault(request, state.times[request] ?? 1) {
            case .refused(let status)?: return Response(status: .init(code: status))
            case .lost?:
                _ = act(&state)
                return Response(status: .badGateway)
            case nil: return act(&state)
            }
        }
    }

    fileprivate func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/check") { _, _ in self.answer("CHECK") { _ in Response(status: .ok) } }
        router.get("/projects/{project}/hooks") { _, context -> Response in
            let project = context.parameters.get("project") ?? ""
            return self.answer("GET \(project)") { state in
                let hooks = state.hooks.filter { $0.project == project }
                return .json([
                    "hooks": .array(hooks.map { ["id": .string($0.id), "target": .string($0.target)] })
                ])
            }
        }
        router.post("/projects/{project}/hooks") { request, context -> Response in
            let project = context.parameters.get("project") ?? ""
            let bytes = try await request.body.collect(upTo: 65_536)
            let body = JSON(try JSONDocument(parsing: Array(bytes.readableBytesView)).root)
            return self.answer("POST \(project)") { state in
                let hook = Hook(
                    id: "h\(state.next)", project: project, target: body["target"]?.string ?? "",
                    secret: body["secret"]?.string ?? "", name: body["name"]?.string ?? "")
                state.next += 1
                state.hooks.append(hook)
                return .json(["id": .string(hook.id)], status: .created)
            }
        }
        router.delete("/projects/{project}/hooks/{hook}") { _, context -> Response in
            let project = context.parameters.get("project") ?? ""
            let id = context.parameters.get("hook") ?? ""
            return self.answer("DELETE \(project)") { state in
                guard state.hooks.contains(where: { $0.id == id }) else { return Response(status: .notFound) }
                state.hooks.removeAll { $0.id == id }
                return Response(status: .noContent)
            }
        }
        return router
    }
}

/// Serves a tracker while `body` runs.
func withTracker(_ body: (_ url: String, _ tracker: Tracker) async throws -> Void) async throws {
    let tracker = Tracker()
    let (ports, listening) = AsyncStream<Int>.makeStream()
    let application = Application(
        router: tracker.router(), configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { listening.yield($0.localAddress?.port ?? 0) }, logger: .quiet)
    try await withRunning(application, logger: .quiet) {
        var waiting = ports.makeAsyncIterator()
        let port = await waiting.next() ?? 0
        try await body("http://127.0.0.1:\(port)", tracker)
    }
}
