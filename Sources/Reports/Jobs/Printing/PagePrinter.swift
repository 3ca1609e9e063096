import Common
import Foundation
import Glibc
import ServiceKit
import Synchronization

/// Prints a page as PDF by a Chromium that the machine has.
///
/// Each print is a process of its own, with an empty profile, a time-out and no way to a network.
final class PagePrinter: Sendable {
    /// The program's path.
    let program: String
    /// How long one print may take.
    let timeout: Duration
    /// Where prints have their folders; nobody else's, and empty when this begins.
    private let folder: String
    /// Prints at the same time: each takes some hundred megabytes.
    private static let atOnce = 2
    /// Bytes that a page may have: some thousand verbatims, some hundred sheets of paper.
    static let maximumPage = 8 << 20
    private let running = Mutex(0)

    init(program: String, folder: String, timeout: Duration = .seconds(120)) {
        self.program = program
        self.folder = folder
        self.timeout = timeout
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Why there is no PDF on a machine without Chromium, and what to do.
    static let missing =
        "a PDF needs Chromium on the server, and there is none: install it (Debian: `apt-get install chromium`), or say "
        + "where it is by EARSHOT_CHROMIUM, and start the server again; or ask for html, which prints well"
    static let tooLong =
        "the page would be longer than \(maximumPage >> 20) MiB, too long to be printed: ask for a shorter range or "
        + "narrower filters, or for html, csv or xlsx"

    /// Prints a page, which is one HTML file.
    ///
    /// - Parameter time: When the document says that it was made.
    /// - Throws: ``JobFailure``; `CancellationError`.
    func print(_ page: [UInt8], dated time: Timestamp) async throws -> [UInt8] {
        if page.count > Self.maximumPage { throw JobFailure.rejected(Self.tooLong) }
        let scratch = try makeScratch()
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        do {
            try Data(page).write(to: URL(fileURLWithPath: scratch + "/page.html"))
        } catch {
            throw JobFailure.unavailable("cannot write \(scratch)/page.html: \(error.localizedDescription)")
        }
        try await turn { try await run(in: scratch) }
        let printed = FileManager.default.contents(atPath: scratch + "/page.pdf").map(Array.init)
        guard var bytes = printed, bytes.starts(with: Array("%PDF-".utf8)) else {
            throw JobFailure.unavailable("\(program) wrote no PDF\(said(in: scratch))")
        }
        PDFDates.set(time, in: &bytes)
        return bytes
    }

    /// A folder for one print.
    private func makeScratch() throws -> String {
        let scratch = URL(fileURLWithPath: "\(folder)/\(UUID().uuidString.prefix(13))").path
        do {
            try FileManager.default.createDirectory(
                atPath: scratch, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw JobFailure.unavailable("cannot make the folder \(scratch): \(error.localizedDescription)")
        }
        return scratch
    }

    private func run(in scratch: String) async throws {
        guard access(program, X_OK) == 0 else { throw JobFailure.unavailable("no \(program) to run; \(Self.missing)") }
        var command = [program] + Self.arguments(scratch, isRoot: geteuid() == 0)
        // Ends it also where this process is killed before its time is over.
        let guardian = "/usr/bin/timeout"
        if access(guardian, X_OK) == 0 {
            command = [guardian, "-s", "KILL", String(timeout.components.seconds + 5)] + command
        }
        let temporary = try Self.makeTemporary(scratch)
        defer { if temporary != scratch { try? FileManager.default.removeItem(atPath: temporary) } }
        let child = Subprocess(
            program: command[0], arguments: Array(command.dropFirst()),
            environment: [
                // Where the start script finds what it calls; everything else is in the folder that goes.
                "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": scratch, "TMPDIR": temporary, "TZ": "UTC",
                "LANG": "C.UTF-8",
            ], output: scratch + "/output", timeout: timeout)
        switch try await child.run() {
        case .exited(0): return
        case .exited(let code): throw JobFailure.unavailable("\(program) ended with \(code)\(said(in: scratch))")
        case .signalled(let signal):
            throw JobFailure.unavailable("\(program) was ended by signal \(signal)\(said(in: scratch))")
        case .timedOut: throw JobFailure.unavailable("\(program) did not print within \(timeout)")
        }
    }

    /// Where it keeps what is temporary: with the rest, unless the name of its socket there would be too long for one.
    private static func makeTemporary(_ scratch: String) throws -> String {
        if scratch.utf8.count <= 60 { return scratch }
        var template = Array("/tmp/earshot-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw JobFailure.unavailable("cannot make a folder in /tmp: \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func arguments(_ scratch: String, isRoot: Bool) -> [String] {
        var arguments = [
            "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-breakpad",
            "--disable-dev-shm-usage",  // 64 MB in a container
            "--user-data-dir=\(scratch)/profile",
            // No network: names lead nowhere, and so does the way to addresses. The page's own policy allows no script.
            "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:0",
            "--proxy-bypass-list=<-loopback>", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-default-apps",
            "--font-render-hinting=none", "--no-pdf-header-footer", "--print-to-pdf=\(scratch)/page.pdf",
        ]
        // Its sandbox does not work for root, and it does not start without. The page is ours, and runs nothing.
        if isRoot { arguments.append("--no-sandbox") }
        return arguments + [URL(fileURLWithPath: scratch + "/page.html").absoluteString]
    }

    /// The last thing that it said of itself.
    private func said(in scratch: String) -> String {
        let text = FileManager.default.contents(atPath: scratch + "/output").map { String(decoding: $0, as: UTF8.self) }
        // It complains of a bus that servers do not have.
        let lines = text?.split(separator: "\n").filter { !$0.contains("dbus") } ?? []
        let line = lines.first { $0.contains("FATAL") } ?? lines.last
        return line.map { ": \($0.prefix(300))" } ?? ""
    }

    /// Waits for one of the places.
    private func turn(_ body: () async throws -> Void) async throws {
        while !running.withLock({ running in
            guard running < Self.atOnce else { return false }
            running += 1
            return true
        }) { try await Task.sleep(for: .milliseconds(100)) }
        defer { running.withLock { $0 -= 1 } }
        try await body()
    }
}
