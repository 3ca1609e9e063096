import ByteJSON
import Common
import Foundation
import Logging
import ServiceKit
import TestKit
import Testing

@testable import Reports

@Suite("Files that no report has", .serialized, .timeLimit(.minutes(2)))
struct ReportSweepTests {
    private func sweep(_ server: ReportsServer) -> ReportSweep {
        let files = ReportFiles(storage: server.files)
        let now = { @Sendable in Timestamp("2021-03-01")! }
        return ReportSweep(
            database: server.database, files: files,
            removal: ReportRemoval(database: server.database, files: files, now: now), directory: server.directory,
            logger: Logger(label: "test"), now: now)
    }

    @Test("what is left over goes when it is old enough, and nothing else", arguments: TestStorage.allCases)
    func orphans(storage: TestStorage) async throws {
        try await storage.run { server in
            try await server.send([Item(id: "1", text: "The export fails.")])
            let id = try await server.askForExport()
            _ = try await server.end(of: id)
            let kept = try await server.paths()
            for path in ["reports/\(JobID.make())/data-1/a.csv", "reports/\(id)/data-9/a.csv"] {
                try await server.files.put([1], as: FileKey(WorkspaceID("ws_a")!, path)!, contentType: "text/csv")
            }
            for path in ["imports/\(JobID.make())/data-1/a.csv", "reports/readme.txt"] {
                try await server.files.put([1], as: FileKey(WorkspaceID("ws_a")!, path)!, contentType: "text/csv")
            }
            let all = try await server.paths()
            #expect(all.count == kept.count + 4)
            let sweeper = sweep(server)
            let workspace = WorkspaceID("ws_a")!
            #expect(try await sweeper.removeOrphans(of: workspace, before: .now.advanced(bySeconds: -60)) == 0)
            #expect(try await server.paths() == all)
            #expect(try await sweeper.removeOrphans(of: workspace, before: .now.advanced(bySeconds: 60)) == 2)
            let left = try await server.paths()
            #expect(left.count == kept.count + 2 && Set(left).isSuperset(of: kept))
            #expect(try await server.ask("/v1/reports/\(id)/file").status == 200)
        }
    }

    @Test("reports of a workspace that is deleted go, with their files, and nobody else's")
    func deletedWorkspace() async throws {
        try await ReportsServer.run { server in
            try await server.send([Item(id: "1", text: "The export fails.")])
            _ = try await server.end(of: try await server.askForExport())
            let other = try await server.ask(
                "/v1/reports", method: "POST", account: "ac_b",
                body: #"{"workspace_id":"ws_b","kind":"insight_summary"}"#)
            let id = try #require(other.json["report_id"]?.string)
            try await waitUntil("the other one is made") { try await server.paths(of: "ws_b").count == 2 }
            #expect(try await server.paths().count == 2)
            var record = try #require(server.directory.current.workspaces[WorkspaceID("ws_a")!])
            record.isDeleted = true
            try await server.directory.publish([.workspace(record)])
            try await waitUntil("its files are gone") { try await server.paths().isEmpty }
            try await waitUntil("the other one stays") {
                try await server.ask("/v1/reports/\(id)", account: "ac_b").json["state"]?.string == "COMPLETED"
            }
            #expect(try await server.paths(of: "ws_b").count == 2)
        }
    }
}
