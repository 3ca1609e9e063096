import ByteJSON
import Client
import Common
import Compression
import Crypto
import CurlTransport
import Foundation
import ServiceKit
import TestKit
import Testing
import Webhook

/// Files that come from an address: real servers on loopback, which do well and badly.
@Suite("Imports from an address", .timeLimit(.minutes(5)))
struct ImportFetchTests {
    private static let table = Array(
        ("text;stars\n" + (1...3000).map { "The export fails, number \($0);\($0 % 5 + 1)\n" }.joined()).utf8)
    private static let loopback = AddressPolicy.any

    /// Imports the host's file, and tells how that ended.
    private func imported(
        _ host: FileHost, policy: AddressPolicy = Self.loopback, members: [String: JSON] = [:],
        _ change: (inout ImportSettings) -> Void = { _ in },
        meanwhile: @escaping @Sendable (JSONValue) -> Void = { _ in }
    ) async throws -> (told: JSONValue, texts: [String]) {
        var settings = WebhookSettings()
        settings.imports.fetchedBytes = 20_000
        settings.imports.stallSeconds = 1
        settings.imports.jobs.poll = 0.05
        change(&settings.imports)
        let fetching = CurlTransport(policy: policy)
        let transport = CurlTransport(policy: .any)
        nonisolated(unsafe) var outcome: (JSONValue, [String])?
        try await TestServer.run(World(), settings: settings, transport: fetching) { server in
            let client = APIClient(
                server: "http://127.0.0.1:\(server.port)", token: Secret(try await server.world.token()),
                transport: transport)
            let source: [String: JSON] = [
                "stream_id": .string(server.world.files.id.rawValue), "source": ["url": .string(host.url)],
                "start": true,
            ]
            let made = try await client.json(
                "POST", "/v1/imports", body: .object(source.merging(members) { $1 }))
            let id = try #require(made["import_id"]?.string)
            nonisolated(unsafe) var told = made
            try await waitUntil("\(id) is over", timeout: .seconds(60)) {
                told = try await client.json("GET", "/v1/imports/\(id)")
                meanwhile(told)
                return ["COMPLETED", "FAILED"].contains(told["state"]?.string)
            }
            outcome = (told, try await server.rawEvents().map(\.text))
        }
        await fetching.shutdown()
        await transport.shutdown()
        return try #require(outcome)
    }

    private func expectWhole(_ outcome: (told: JSONValue, texts: [String]), _ what: String) {
        #expect(outcome.told["state"]?.string == "COMPLETED", "\(what): \(outcome.told["reason"]?.string ?? "")")
        #expect(outcome.told["accepted"]?.int64 == 3000 && outcome.texts.count == 3000, "\(what)")
        #expect(Set(outcome.texts).count == 3000, "\(what)")
    }

    @Test func isFetchedInPartsOrWholePackedOrNot() async throws {
        let packed = try Deflater.deflate(Self.table)
        let parts = try FileHost(Self.table)
        let outcome = try await imported(parts)
        expectWhole(outcome, "in parts")
        // As the command names it that sends the same file.
        let key = "file-" + Base32.encode(SHA256.hash(data: Self.table).prefix(10))
        #expect(outcome.told["key"]?.string == key)
        #expect(parts.heads.count >= Self.table.count / 20_000)
        #expect(parts.heads.allSatisfy { $0.contains("Accept-Encoding: identity") })
        expectWhole(try await imported(FileHost(packed)), "a file that is packed itself")
        let archive = try ZipArchiveTests.archive([("r.csv", Self.table)])
        expectWhole(try await imported(FileHost(archive)), "an archive")
        expectWhole(try await imported(FileHost(Self.table, .whole)) { $0.fetchedBytes = 100_000 }, "whole")
        expectWhole(
            try await imported(FileHost(Self.table, .packed(packed))) { $0.fetchedBytes = 100_000 }, "packed on its way"
        )
        let packedParts = try FileHost(Self.table, .packedParts(packed))
        expectWhole(
            try await imported(packedParts) { $0.fetchedBytes = 100_000 }, "in parts of what is packed")
    }

    @Test func goesWhereItIsSentAndOnAfterWhatMayPass() async throws {
        let host = try FileHost(Self.table)
        let gate = try FileHost([], .elsewhere(host.url))
        expectWhole(try await imported(gate), "sent elsewhere")
        let trouble = try FileHost(Self.table)
        trouble.next(.inParts, .cut, .inParts, .hanging, .status("503 Slow", ["Retry-After: 0"]), .inParts)
        expectWhole(
            try await imported(trouble, members: ["sha256": .string(FileSum.of(Self.table))]), "with trouble on the way"
        )
        // What is there is not fetched again.
        #expect(trouble.heads.count <= Self.table.count / 20_000 + 1 + 3 + 1)
    }

    @Test func whatCannotBeFetchedFailsAndSaysWhy() async throws {
        let large = [UInt8](repeating: 0x41, count: 200_000)
        for (host, word) in [
            (try FileHost([], .status("404 Not Found")), "answered 404"),
            (try FileHost(large, .whole), "whole and not in parts"),
            (try FileHost([], .elsewhere("ftp://127.0.0.1/file")), "not an address"),
        ] {
            let told = try await imported(host).told
            #expect(told["state"]?.string == "FAILED", "\(word)")
            #expect(told["reason"]?.string?.contains(word) == true, "\(told["reason"]?.string ?? "")")
        }
        let wrong = try await imported(FileHost(Self.table), members: ["sha256": .string(FileSum.of([1]))]).told
        #expect(wrong["state"]?.string == "FAILED" && wrong["reason"]?.string?.contains("announced") == true)
    }

    @Test func aFileThatChangesWhileItIsFetchedIsNotMixed() async throws {
        for version in ["\"2\"", nil] {
            let host = try FileHost(Self.table, version: version == nil ? nil : "\"1\"")
            host.next(.inParts, .status("503 Wait", ["Retry-After: 1"]))
            let other = Self.table + Array("one more;5\n".utf8)
            let told = try await imported(host) { _ in
            } meanwhile: { _ in
                if host.heads.count == 2 { host.change(other, version: version) }
            }.told
            #expect(told["state"]?.string == "FAILED", "\(version ?? "by its size")")
            #expect(told["reason"]?.string?.contains("was changed") == true, "\(told["reason"]?.string ?? "")")
        }
    }

    @Test func internalNetworksAreNotFetchedFrom() async throws {
        let host = try FileHost(Self.table)
        let told = try await imported(host, policy: .publicOnly).told
        #expect(told["state"]?.string == "FAILED")
        #expect(told["reason"]?.string?.contains("fetch.allow_addresses") == true, "\(told["reason"]?.string ?? "")")
        #expect(host.heads.isEmpty)
    }
}
