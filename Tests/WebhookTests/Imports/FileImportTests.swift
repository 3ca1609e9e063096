import ByteJSON
import Client
import Common
import Compression
import CurlTransport
import Foundation
import Rows
import Synchronization
import Testing

@Suite struct FileImportTests {
    /// A transport that loses requests before they arrive and answers after they did.
    final class LossyTransport: HTTPTransport {
        private let transport: CurlTransport
        private let sent = Mutex(0)
        var count: Int { sent.withLock { $0 } }

        init(_ transport: CurlTransport) { self.transport = transport }

        func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
            let number = sent.withLock { sent in
                sent += 1
                return sent
            }
            if number > 1, number % 3 == 2 { throw .connectionFailed("lost on the way") }
            let response = try await transport.send(request)
            if number % 3 == 0 { throw .timedOut("the answer was lost") }
            return response
        }
    }

    private static func table(rows: Int) -> [UInt8] {
        var text = "id,text,note\r\n"
        for i in 1...rows { text += "\(i),\"review, number \(i)\nin two lines\",\(i % 7 == 0 ? "" : "n")\r\n" }
        return Array(text.utf8)
    }

    private static func reader(of bytes: [UInt8]) -> (Int) -> [UInt8] {
        var at = 0
        return { count in
            let end = min(bytes.count, at + min(count, 10_000))
            defer { at = end }
            return Array(bytes[at..<end])
        }
    }

    @Test(arguments: [false, true])
    func everyRowArrivesThoughTheConnectionBreaks(_ isCompressed: Bool) async throws {
        let table = Self.table(rows: 2000)
        let file = isCompressed ? try Deflater.deflate(table) : table
        try await TestServer.run(World()) { server in
            let curl = CurlTransport(policy: .any)
            let transport = LossyTransport(curl)
            let client = APIClient(
                server: "http://127.0.0.1:\(server.port)", token: Secret(try await server.world.token()),
                transport: transport)
            let outcome = try await FileImport(
                client: client, stream: server.world.signed.id, key: "k", chunkBytes: 8000
            ).run(read: Self.reader(of: file))
            #expect(outcome.rows == 2000 && outcome.malformed == 0 && outcome.bytes == file.count)
            #expect(outcome.retries > 5 && outcome.nextRow == 2001)
            let events = try await server.rawEvents()
            let byKey = Dictionary(grouping: events) { $0.key ?? "" }
            #expect(byKey.count == 2000)
            #expect(events.count > 2000)  // what was sent again is there again, under the same identity
            for i in [1, 7, 1000, 2000] {
                let note = i % 7 == 0 ? "" : #","note":"n""#
                let expected = #"{"id":"\#(i)","text":"review, number \#(i)\nin two lines"\#(note)}"#
                #expect(byKey["k:\(i)"]?.allSatisfy { $0.text == expected } == true)
            }
            await curl.shutdown()
        }
    }

    @Test func anImportGoesOnAtARow() async throws {
        try await TestServer.run(World()) { server in
            let curl = CurlTransport(policy: .any)
            let client = APIClient(
                server: "http://127.0.0.1:\(server.port)", token: Secret(try await server.world.token()),
                transport: curl)
            let whole = FileImport(
                client: client, stream: server.world.signed.id, key: "k", chunkBytes: 1000, fromRow: 101)
            let outcome = try await whole.run(read: Self.reader(of: Self.table(rows: 200)))
            #expect(outcome.rows >= 100 && outcome.rows < 130)
            let keys = Set(try await server.rawEvents().compactMap(\.key))
            #expect(keys.isSuperset(of: (101...200).map { "k:\($0)" }) && !keys.contains("k:50"))
            await curl.shutdown()
        }
    }

    @Test func aServerThatWasNeverThereIsToldAtOnce() async throws {
        let curl = CurlTransport(policy: .any)
        let client = APIClient(server: "http://127.0.0.1:1", token: Secret("t"), transport: curl)
        await #expect(throws: APIFailure.self) {
            try await FileImport(client: client, stream: .make(), key: "k").run(
                read: Self.reader(of: Self.table(rows: 1)))
        }
        await curl.shutdown()
    }
}
