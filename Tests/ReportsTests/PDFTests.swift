import ByteJSON
import Common
import Foundation
import Glibc
import ServiceKit
import TestKit
import Testing

@testable import Reports

@Suite("Reports as PDF", .serialized, .timeLimit(.minutes(3)))
struct PDFTests {
    /// The Chromium of this machine.
    private static let chromium: String? = ["chromium", "chromium-browser", "google-chrome"]
        .map { (name: String) -> String in "/usr/bin/\(name)" }.first { access($0, X_OK) == 0 }
    private static let isThere = chromium != nil
    private static let skipped: Comment = "SKIPPED: no Chromium is here to print by (apt-get install chromium)"

    private func items() -> [Item] {
        (0..<30).map { number in
            var item = Item(id: "\(number)", text: "The export of report \(number) fails. 日本語 </td><script>1</script>")
            item.at += Int64(number) * 3_600_000
            item.topics = ["export"]
            item.version = "2.\(number % 4)"
            return item
        }
    }

    private func settings(_ program: String?) -> ReportsSettings {
        var settings = ReportsSettings.quick
        settings.chromium = program
        settings.printFolder = FileManager.default.temporaryDirectory.path + "/earshot-print-\(UUID().uuidString)"
        return settings
    }

    private func ask(_ server: ReportsServer, _ kind: String) async throws -> ReportsServer.Answer {
        try await server.ask(
            "/v1/reports", method: "POST",
            body: #"{"workspace_id":"ws_a","kind":"\#(kind)","format":"pdf","from":"2020-01-01","to":"2022-01-01"}"#)
    }

    /// Asks for a PDF and waits for its end.
    private func make(_ server: ReportsServer, _ kind: String) async throws -> (report: JSON, file: [UInt8]) {
        let asked = try await ask(server, kind)
        let id = try #require(asked.json["report_id"]?.string, "\(asked.detail)")
        try await waitUntil("\(kind) is printed") {
            let now = try await server.ask("/v1/reports/\(id)").json["state"]?.string
            return now != "REQUESTED" && now != "RUNNING"
        }
        let report = try await server.ask("/v1/reports/\(id)").json
        #expect(report["state"]?.string == "COMPLETED", "\(report["reason"]?.string ?? "")")
        return (report, try await server.ask("/v1/reports/\(id)/file").bytes)
    }

    @Test("a page is printed, the same bytes each time, and nothing is left of it", .enabled(if: isThere, skipped))
    func prints() async throws {
        let settings = settings(Self.chromium)
        try await ReportsServer.run(settings: settings) { server in
            try await server.send(items())
            for kind in ["insight_summary", "verbatims_export"] {
                let first = try await make(server, kind)
                try await Task.sleep(for: .milliseconds(1100))  // its dates have whole seconds
                let second = try await make(server, kind)
                #expect(first.file.starts(with: Array("%PDF-".utf8)) && first.file == second.file)
                #expect(first.report["manifest"]?["bytes"]?.integer == Int64(first.file.count))
                let text = String(decoding: first.file, as: UTF8.self)
                #expect(text.contains("/CreationDate (D:20220101000000+00'00')"))
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: settings.printFolder)
            #expect(left.isEmpty, "\(left)")
        }
    }

    @Test("without Chromium a PDF is refused at once, and the answer names what to install")
    func refused() async throws {
        try await ReportsServer.run(settings: settings(nil)) { server in
            let answer = try await ask(server, "insight_summary")
            #expect(answer.status == 400)
            #expect(answer.detail.contains("apt-get install chromium") && answer.detail.contains("EARSHOT_CHROMIUM"))
            let schedule = try await server.ask(
                "/v1/schedules", method: "POST", scopes: "read,manage",
                body:
                    #"{"workspace_id":"ws_a","cron":"0 8 * * MON","report":{"kind":"voc_digest","format":"pdf","period":"previous_week"}}"#
            )
            #expect(
                (400..<500).contains(schedule.status)
                    && String(decoding: schedule.bytes, as: UTF8.self).contains("EARSHOT_CHROMIUM"))
            #expect(try await server.ask("/v1/reports").json["reports"]?.array == [])
        }
    }

    @Test("what a page names is not fetched", .enabled(if: isThere, skipped))
    func noNetwork() async throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                #expect(bind(listener, address, length) == 0 && listen(listener, 8) == 0)
                getsockname(listener, address, &length)
            }
            return UInt16(bigEndian: address.pointee.sin_port)
        }
        let page = """
            <!doctype html><title>x</title><img src="http://127.0.0.1:\(port)/a.png">
            <img src="http://localhost:\(port)/b.png"><link rel="stylesheet" href="http://[::ffff:127.0.0.1]:\(port)/c.css">
            """
        let settings = settings(Self.chromium)
        let printer = PagePrinter(program: try #require(Self.chromium), folder: settings.printFolder)
        let pdf = try await printer.print(Array(page.utf8), dated: Timestamp(seconds: 0))
        #expect(pdf.starts(with: Array("%PDF-".utf8)))
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        #expect(poll(&waiting, 1, 0) == 0, "somebody came")
    }

    @Test(
        "a program that crashes, fails or writes nothing is tried again later, and leaves nothing",
        arguments: ["echo 'FATAL: no memory'; kill -SEGV $$", "echo 'FATAL: no memory'; exit 3", "true"])
    func crashes(_ script: String) async throws {
        let folder = try TemporaryFolder()
        let program = folder.file("chromium")
        try "#!/bin/sh\n\(script)\n".write(toFile: program, atomically: true, encoding: .utf8)
        chmod(program, 0o755)
        let printer = PagePrinter(program: program, folder: folder.file("print"))
        await #expect {
            try await printer.print(Array("<!doctype html>".utf8), dated: Timestamp(seconds: 0))
        } throws: { error in
            guard case JobFailure.unavailable(let reason, nil) = error else { return false }
            return reason.contains(program) && reason.contains("FATAL") == script.contains("FATAL")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("print")).isEmpty)
    }

    @Test("what takes too long ends with all that it began, and so does what is cancelled")
    func childrenEnd() async throws {
        let folder = try TemporaryFolder()
        let script = "sleep 600 & echo $! > \(folder.file("pid")); wait"
        func child(_ timeout: Duration) -> Subprocess {
            Subprocess(
                program: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
                output: folder.file("output"), timeout: timeout)
        }
        #expect(try await child(.milliseconds(400)).run() == .timedOut)
        let first = try Self.process(folder)
        try await waitUntil("it is gone") { Self.isGone(first) }
        try FileManager.default.removeItem(atPath: folder.file("pid"))
        let long = child(.seconds(60))
        let running = Task { try await long.run() }
        try await waitUntil("it is there") { (try? Self.process(folder)) != nil }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        let second = try Self.process(folder)
        try await waitUntil("it is gone as well") { Self.isGone(second) }
    }

    /// The process that a script noted.
    private static func process(_ folder: TemporaryFolder) throws -> pid_t {
        let text = try String(contentsOfFile: folder.file("pid"), encoding: .utf8)
        return try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Whether a process has ended, waited for or not.
    private static func isGone(_ process: pid_t) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return true }
        return text.split(separator: ")").last?.split(separator: " ").first == "Z"
    }

    @Test("how a process ended is told, and what it is not handed it does not have")
    func ends() async throws {
        let folder = try TemporaryFolder()
        func run(_ script: String) async throws -> Subprocess.End {
            try await Subprocess(
                program: "/bin/sh", arguments: ["-c", script], environment: ["ONLY": "this"],
                output: folder.file("output"), timeout: .seconds(20)
            ).run()
        }
        #expect(try await run("exit 7") == .exited(7))
        #expect(try await run("kill -TERM $$") == .signalled(SIGTERM))
        let held = open("/dev/null", O_RDONLY)  // would be inherited
        defer { close(held) }
        #expect(try await run("/usr/bin/env; test -e /proc/self/fd/\(held) && echo open; true") == .exited(0))
        let said = try String(contentsOfFile: folder.file("output"), encoding: .utf8)
        #expect(said.contains("ONLY=this") && !said.contains("open\n") && !said.contains("HOME="), "\(said)")
        await #expect(throws: JobFailure.self) {
            try await Subprocess(
                program: "/nowhere", output: folder.file("output"), timeout: .seconds(1)
            ).run()
        }
    }

    @Test("the dates of a document are set where they stand")
    func dates() {
        var bytes = Array(
            "1 0 obj <</Title (/ModDate \\(D:20261130074000)\n/CreationDate (D:20261130074000+00'00')\n/ModDate (D:20261130074001+00'00')>>"
                .utf8)
        let length = bytes.count
        PDFDates.set(Timestamp("2021-02-03T04:05:06.789Z")!, in: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(bytes.count == length && text.contains("/Title (/ModDate \\(D:20261130074000)"))
        #expect(text.contains("/CreationDate (D:20210203040506+00'00')\n/ModDate (D:20210203040506+00'00')"))
        var cut = Array("/ModDate (D:2026".utf8)
        PDFDates.set(Timestamp(seconds: 0), in: &cut)
        #expect(cut == Array("/ModDate (D:2026".utf8))
    }
}
