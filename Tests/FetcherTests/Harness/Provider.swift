import Common
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import TestKit

/// A provider on loopback: a real HTTP server that answers as a closure says.
struct Provider: Sendable {
    struct Call: Sendable {
        let path: String
        let query: [(name: String, value: String)]
        let headers: [String: String]

        subscript(_ name: String) -> String? { query.first { $0.name == name }?.value }
        func all(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        var body = ""

        static func json(_ body: String, headers: [String: String] = [:]) -> Reply {
            Reply(headers: headers, body: body)
        }
    }

    let url: String

    /// Runs a provider while `body` works.
    static func run<Value: Sendable>(
        _ answer: @escaping @Sendable (Call) -> Reply, _ body: (Provider) async throws -> Value
    ) async throws -> Value {
        let router = Router()
        router.get("**") { request, _ in
            let call = Call(
                path: request.uri.path,
                query: request.uri.queryParameters.map {
                    (String($0.key).removingPercentEncoding ?? "", String($0.value))
                },
                headers: request.headers.reduce(into: [:]) { $0[$1.name.rawName.lowercased()] = $1.value })
            let reply = answer(call)
            var response = Response(
                status: .init(code: reply.status), body: .init(byteBuffer: .init(string: reply.body)))
            for (name, value) in reply.headers {
                if let name = HTTPField.Name(name) { response.headers[name] = value }
            }
            return response
        }
        var logger = Logger(label: "provider")
        logger.logLevel = .critical
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { listening.yield($0.localAddress?.port ?? 0) }, logger: logger)
        return try await withRunning(server, logger: logger) {
            var iterator = ports.makeAsyncIterator()
            return try await body(Provider(url: "http://127.0.0.1:\(await iterator.next() ?? 0)"))
        }
    }
}

/// What has been asked of a provider, and other things that change between calls.
final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    var value: Value { state.withLock { $0 } }
    func with<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result { state.withLock { body(&$0) } }
}
