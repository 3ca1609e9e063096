public import ByteJSON
import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization

/// A program on loopback that takes webhooks, well or badly.
public final class Receiver: Sendable {
    public struct Call: Sendable {
        public let headers: [String: String]
        public let body: [UInt8]
        public var json: JSON { (try? JSONDocument(parsing: body)).map { JSON($0.root) } ?? .null }
    }

    private struct State {
        var calls: [Call] = []
        var status = 200
        var headers: [String: String] = [:]
    }
    private let state = Mutex(State())
    private let port = Mutex(0)

    public var url: String { "http://127.0.0.1:\(port.withLock { $0 })/hook" }
    public var calls: [Call] { state.withLock { $0.calls } }

    /// What it answers from now on.
    public func answer(_ status: Int, _ headers: [String: String] = [:]) {
        state.withLock { state in
            state.status = status
            state.headers = headers
        }
    }

    /// Runs one while `body` works.
    public static func run<Value: Sendable>(_ body: (Receiver) async throws -> Value) async throws -> Value {
        let receiver = Receiver()
        let quiet = Logger(label: "receiver") { _ in SwiftLogNoOpLogHandler() }
        let router = Router()
        router.post("**") { request, _ in
            let body = Array(buffer: try await request.body.collect(upTo: 1 << 20))
            let headers = request.headers.reduce(into: [:]) { $0[$1.name.rawName.lowercased()] = $1.value }
            let (status, more) = receiver.state.withLock { state in
                state.calls.append(Call(headers: headers, body: body))
                return (state.status, state.headers)
            }
            var response = Response(status: .init(code: status), body: .init(byteBuffer: .init(string: "so be it")))
            for (name, value) in more { response.headers[HTTPField.Name(name)!] = value }
            return response
        }
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { listening.yield($0.localAddress?.port ?? 0) }, logger: quiet)
        return try await withRunning(server, logger: quiet) {
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            receiver.port.withLock { $0 = port }
            return try await body(receiver)
        }
    }
}
