import ByteJSON
import Common
import Foundation
import LocalFiles
import S3Files
import TestKit
import Testing

@testable import Reports

/// What becomes of a report whose files cannot be kept: the right end, for the right reason.
@Suite("Reports whose storage is in trouble", .serialized, .timeLimit(.minutes(5)))
struct ReportFaultTests {
    private static var settings: ReportsSettings {
        var settings = ReportsSettings.quick
        settings.attempts = 3
        settings.retrySeconds = 0.2
        return settings
    }

    /// A server whose files are in a bucket of a service that can be in trouble.
    private func run(
        timeout: Double = 60, _ body: (ReportsServer, S3Server, TroubledTransport) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let bucket = try await S3Server(in: folder, checksKeys: false)
        let transport = TroubledTransport()
        var settings = try TestStorage.settings(bucket)
        settings.timeout = timeout
        settings.attempts = 2
        let clock = RunningClock()
        try await ReportsServer.run(
            settings: Self.settings, files: S3Files(settings, transport: transport), now: { clock.now }
        ) { server in
            try await server.send((0..<30).map { Item(id: "\($0)", text: "The export of report \($0) fails.") })
            try await body(server, bucket, transport)
        }
        await transport.shutdown()
    }

    private func reasons(_ report: JSON) -> [String] {
        (report["history"]?.array ?? []).compactMap { $0["reason"]?.string }
    }

    @Test(
        "a service that answers so for a while is asked again, later, at whatever stage",
        arguments: [(503, "SlowDown"), (500, "InternalError")], ["/data-1", "/rendering-1", "manifest.json"])
    func passing(trouble: (status: Int, code: String), place: String) async throws {
        try await run { server, _, transport in
            let body =
                #"{"workspace_id":"ws_a","kind":"app_version_health","format":"csv","from":"2020-01-01","to":"2022-01-01"}"#
            func make() async throws -> JSON {
                let asked = try await server.ask("/v1/reports", method: "POST", body: body)
                return try await server.end(of: asked.json["report_id"]?.string ?? "")
            }
            let undisturbed = try await make()
            transport.begin(.init(status: trouble.status, code: trouble.code, place: place, count: 2))
            let report = try await make()
            #expect(transport.isOver && report["state"]?.string == "COMPLETED", "\(report["reason"]?.string ?? "")")
            #expect(report["attempts"]?.integer == 2)
            #expect(reasons(report).contains { $0.contains("\(trouble.status) \(trouble.code): We are sorry") })
            #expect(report["manifest"]?["sha256"] == undisturbed["manifest"]?["sha256"])
            let id = report["report_id"]?.string ?? ""
            let kept = try await server.paths().filter { $0.contains(id) }
            #expect(kept.count == 2, "\(kept)")
        }
    }

    @Test("one that answers so for ever ends it, and the reason says who and what", arguments: [503, 500])
    func lasting(status: Int) async throws {
        try await run { server, _, transport in
            let code = status == 503 ? "SlowDown" : "InternalError"
            transport.begin(.init(status: status, code: code))
            let report = try await server.end(of: try await server.askForExport())
            #expect(report["state"]?.string == "FAILED" && report["attempts"]?.integer == 3)
            let reason = report["reason"]?.string ?? ""
            #expect(reason.contains("s3://earshot-files/reports-test") && reason.contains("\(status) \(code)"))
            // It may be tried again by hand, and goes on where it was.
            transport.end()
            let id = try #require(report["report_id"]?.string)
            #expect(try await server.ask("/v1/reports/\(id)/retry", method: "POST").status == 202)
            #expect(try await server.end(of: id)["state"]?.string == "COMPLETED")
        }
    }

    @Test("one that hangs is not waited for, and asked again")
    func hanging() async throws {
        try await run(timeout: 1.5) { server, bucket, _ in
            bucket.hang()
            defer { bucket.goOn() }
            let id = try await server.askForExport()
            try await waitUntil("an attempt is given up") {
                reasons(try await server.ask("/v1/reports/\(id)").json).contains { $0.contains("timed out") }
            }
            bucket.goOn()
            let report = try await server.end(of: id)
            #expect(report["state"]?.string == "COMPLETED", "\(reasons(report))")
            #expect(reasons(report).contains { $0.contains("s3://earshot-files") && $0.contains("timed out") })
        }
    }

    @Test("files of a deleted report go when the service is there again")
    func removal() async throws {
        try await run { server, _, transport in
            let id = try await server.askForExport()
            _ = try await server.end(of: id)
            transport.begin(.init())
            #expect(try await server.ask("/v1/reports/\(id)", method: "DELETE").status == 204)
            try await waitUntil("it was tried") {
                let jobs = try await server.ask("/v1/jobs?kind=report-removal").json["jobs"]?.array ?? []
                return jobs.first.map { reasons($0).contains { $0.contains("SlowDown") } } ?? false
            }
            transport.end()
            #expect(try await server.paths().count == 2)
            try await waitUntil("its files are gone") { try await server.paths().isEmpty }
        }
    }

    @Test("a report that passes the quota fails at once, and says what there is and what to do")
    func quota() async throws {
        let folder = try TemporaryFolder()
        let files = LimitedFiles(try LocalFiles(folder: folder.path), quota: 3 << 20)
        try await ReportsServer.run(files: files) { server in
            try await server.send([Item(id: "1", text: "The export fails.")])
            let key = FileKey(WorkspaceID("ws_a")!, "imports/one")!
            try await files.put(Array(repeating: 1, count: 3 << 20 - 10), as: key, contentType: "text/csv")
            let id = try await server.askForExport()
            let report = try await server.end(of: id)
            #expect(report["state"]?.string == "FAILED" && report["attempts"]?.integer == 1)
            let reason = report["reason"]?.string ?? ""
            #expect(reason.contains("the quota of ws_a is 3 MiB, its files have 2 MiB"), "\(reason)")
            #expect(reason.contains("needs ") && reason.contains("EARSHOT_FILES_QUOTA_MEGABYTES"))
            #expect(try await server.paths() == ["imports/one"], "nothing is left of it")
            try await files.delete(key)
            _ = try await server.ask("/v1/reports/\(id)/retry", method: "POST")
            #expect(try await server.end(of: id)["state"]?.string == "COMPLETED")
        }
    }

    @Test("a full disk may have room later; one that stays full ends it, and is named")
    func fullDisk() async throws {
        let folder = try TemporaryFolder()
        guard let disk = SmallDisk(in: folder, megabytes: 2) else {
            print("SKIPPED: a full disk, because this process may not mount a small one")
            return
        }
        let clock = RunningClock()
        let files = try LocalFiles(folder: disk.path + "/files")
        try await ReportsServer.run(settings: Self.settings, files: files, now: { clock.now }) { server in
            try await server.send([Item(id: "1", text: "The export fails.")])
            try disk.fill()
            let failed = try await server.end(of: try await server.askForExport())
            #expect(failed["state"]?.string == "FAILED" && failed["attempts"]?.integer == 3)
            let reason = failed["reason"]?.string ?? ""
            #expect(reason.contains(disk.path) && reason.contains("No space left on device; make room there"))
            let id = try await server.askForExport()
            try await waitUntil("an attempt found no room") {
                reasons(try await server.ask("/v1/reports/\(id)").json).contains { $0.contains("No space left") }
            }
            try disk.makeRoom()
            let report = try await server.end(of: id)
            #expect(report["state"]?.string == "COMPLETED")
            #expect(try await server.paths().count == 2, "nothing is left of what did not fit")
        }
    }
}
