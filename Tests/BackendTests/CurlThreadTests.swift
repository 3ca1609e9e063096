import Common
import CurlTransport
import Foundation
import Testing

@Suite struct CurlThreads {
    /// The libraries below libcurl are taken apart at the end of a process, and crash a thread that is inside.
    @Test func endBeforeTheLibrariesDo() async {
        await #expect(processExitsWith: .success) {
            // Registered before libcurl is started, so called after its own.
            atexit { if CurlThreads.names().contains("http-out") { _exit(EXIT_FAILURE) } }
            let transport = CurlTransport(policy: .any)
            _ = try? await transport.send(OutgoingRequest("GET", "http://127.0.0.1:1/"))
            guard Self.names().contains("http-out") else { _exit(2) }
            withExtendedLifetime(transport) { exit(EXIT_SUCCESS) }
        }
    }

    /// Of the threads of this process.
    private static func names() -> [String] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.compactMap { task in
            (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8))?
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }
}
