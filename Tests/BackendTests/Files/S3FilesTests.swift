import Common
import CurlTransport
import Foundation
import S3Files
import Synchronization
import TestKit
import Testing

@Suite("Files in S3", .serialized, .timeLimit(.minutes(5)))
struct S3FilesTests {
    static let workspace = WorkspaceID("ws_a")!
    static let key = FileKey(workspace, "reports/one.csv")!

    static func settings(_ server: S3Server, prefix: String = "") throws -> S3Settings {
        var settings = try S3Settings(
            url: server.url(prefix: prefix), accessKey: server.accessKey, secretKey: server.secretKey)
        settings.firstPause = 0.01
        settings.partBytes = 5 << 20
        return settings
    }

    @Test("keeps the contract of a file storage, each request signed for a server that checks it")
    func contract() async throws {
        let folder = try TemporaryFolder()
        let server = try await S3Server(in: folder)
        let transport = CurlTransport(policy: .any)
        for (number, behaviour) in FileStorageConformance.behaviours.enumerated() {
            let settings = try Self.settings(server, prefix: "run/\(number)")
            try await behaviour.check(FileStorageBench { S3Files(settings, transport: transport) })
        }
        await transport.shutdown()
    }

    @Test("keeps the contract where every third request fails, or is done and its answer lost")
    func contractUnderFaults() async throws {
        let folder = try TemporaryFolder()
        let server = try await S3Server(in: folder)
        let transport = CurlTransport(policy: .any)
        for (number, behaviour) in FileStorageConformance.behaviours.enumerated() {
            let settings = try Self.settings(server, prefix: "faulty/\(number)")
            let faulty = FaultyTransport(base: transport)
            try await behaviour.check(FileStorageBench { S3Files(settings, transport: faulty) })
        }
        await transport.shutdown()
    }

    @Test("a link opens without keys, under the name that it gives")
    func link() async throws {
        let folder = try TemporaryFolder()
        let server = try await S3Server(in: folder, checksKeys: false)
        let transport = CurlTransport(policy: .any)
        let files = S3Files(try Self.settings(server, prefix: "p"), transport: transport)
        try await files.put(Array("a,b\r\n".utf8), as: Self.key, contentType: "text/csv")
        let link = try #require(try await files.link(Self.key, for: .seconds(60), name: "ver\"batims.csv"))
        #expect(link.contains("X-Amz-Expires=60") && !link.contains(server.secretKey.reveal()))
        let answer = try await transport.send(OutgoingRequest("GET", link))
        #expect(answer.status == 200 && answer.body == Array("a,b\r\n".utf8))
        #expect(answer["Content-Disposition"] == "attachment; filename=\"verbatims.csv\"")
        #expect(answer["Content-Type"] == "text/csv")
        await transport.shutdown()
    }

    @Test("wrong keys, and a bucket that is not there, are refused with what to do")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        let server = try await S3Server(in: folder)
        let transport = CurlTransport(policy: .any)
        var settings = try Self.settings(server)
        settings.credentials.secretKey = Secret("wrong")
        let reason = await Self.failure(S3Files(settings, transport: transport))
        #expect(Self.isRefused(reason) && "\(reason!)".contains("SignatureDoesNotMatch"))
        #expect(!"\(reason!)".contains("wrong"))
        settings = try Self.settings(server)
        settings.bucket = "another"
        let missing = await Self.failure(S3Files(settings, transport: transport))
        #expect(Self.isRefused(missing) && "\(missing!)".contains("make the bucket"))
        await transport.shutdown()
    }

    // MARK: - A server that does badly

    @Test("503 SlowDown, 500 and cut connections are tried again, and then told with the time to wait")
    func trouble() async throws {
        let slow =
            "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        for (status, after, body) in [
            ("503 Slow Down", "0", slow), ("500 Internal Server Error", "", "oops"), ("503 Slow Down", "120", slow),
            ("", "", ""),
        ] {
            let server = try RawServer { connection in
                while let head = connection.readHead() {
                    _ = head
                    if status.isEmpty { return }
                    connection.answer(
                        status,
                        headers: after.isEmpty ? [] : ["Retry-After: \(after)", "Content-Type: application/xml"],
                        body)
                }
            }
            let counting = FaultyTransport(base: CurlTransport(policy: .any), every: .max)
            let files = S3Files(try Self.settings(port: server.port), transport: counting)
            let failure = await Self.failure(files)
            guard case .unavailable(let reason, let wait)? = failure else {
                Issue.record("\(status): \(String(describing: failure))")
                continue
            }
            #expect(counting.count == (after == "120" ? 1 : 5), "\(status) \(after)")
            #expect(wait == (after.isEmpty ? nil : .seconds(Double(after)!)))
            if status.hasPrefix("503") { #expect(reason.contains("SlowDown: Please reduce")) }
            server.close()
        }
    }

    @Test("a server that hangs holds nobody longer than its time")
    func hanging() async throws {
        let server = try RawServer { $0.waitForEnd() }
        var settings = try Self.settings(port: server.port)
        settings.timeout = 0.3
        settings.attempts = 2
        let began = ContinuousClock.now
        let failure = await Self.failure(S3Files(settings, transport: CurlTransport(policy: .any)))
        #expect(ContinuousClock.now - began < .seconds(5))
        guard case .unavailable(let reason, _)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(reason.contains("timed out"))
        server.close()
    }

    @Test("an answer that is begun as 200 and is an error is none")
    func errorIn200() async throws {
        let server = try RawServer { connection in
            while connection.readHead() != nil {
                connection.answer(
                    headers: ["Content-Type: application/xml"],
                    "<Error><Code>InternalError</Code><Message>We encountered an internal error &amp; more.</Message></Error>"
                )
            }
        }
        let failure = await Self.failure(
            S3Files(try Self.settings(port: server.port), transport: CurlTransport(policy: .any)))
        guard case .unavailable(let reason, _)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(reason.contains("internal error & more"))
        server.close()
    }

    static func settings(port: Int) throws -> S3Settings {
        var settings = try S3Settings(
            url: "s3://b/?endpoint=http://127.0.0.1:\(port)", accessKey: "key", secretKey: Secret("secret"))
        settings.firstPause = 0.01
        return settings
    }

    private static func failure(_ files: S3Files) async -> FileStorageError? {
        do throws(FileStorageError) {
            _ = try await files.list(FileFolder(workspace), after: nil, limit: 10)
            return nil
        } catch {
            return error
        }
    }

    private static func isRefused(_ error: FileStorageError?) -> Bool {
        if case .refused? = error { true } else { false }
    }
}

/// A real transport whose every so-manieth request fails, in turn before it is sent, after it was done, and with 503; none
/// more than four times in a row, however many are on their way at once.
final class FaultyTransport: HTTPTransport {
    private struct State {
        var count = 0
        /// Of each request that failed the last time.
        var failures: [String: Int] = [:]
    }
    private static let most = 4
    private let base: any HTTPTransport
    private let every: Int
    private let state = Mutex(State())

    init(base: any HTTPTransport, every: Int = 3) {
        self.base = base
        self.every = every
    }

    var count: Int { state.withLock { $0.count } }

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        let range = request.headers.first { $0.name == "Range" }?.value ?? ""
        let name = "\(request.method) \(request.url) \(range)"
        let (number, fails) = state.withLock { state in
            state.count += 1
            let before = state.failures.removeValue(forKey: name) ?? 0
            let fails = state.count.isMultiple(of: every) && before < Self.most
            if fails { state.failures[name] = before + 1 }
            return (state.count, fails)
        }
        guard fails else { return try await base.send(request) }
        switch number / every % 3 {
        case 0: throw .connectionFailed("a test cut it off")
        case 1:
            _ = try await base.send(request)
            throw .failed("a test lost the answer")
        default: return IncomingResponse(status: 503, headers: [("Retry-After", "0")])
        }
    }
}
