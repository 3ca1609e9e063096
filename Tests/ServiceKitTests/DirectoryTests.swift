import Common
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@Suite("Directory")
struct DirectoryTests {
    @Test("what is published is known at once, without a follower")
    func publishThenRead() async throws {
        let platform = try await Platform()
        let workspace = WorkspaceRecord.make("Mobile")
        try await platform.directory.publish([.workspace(workspace)])
        #expect(platform.directory.current.workspaces[workspace.id] == workspace)
    }

    @Test("another process's copy follows, and stops at shutdown")
    func follows() async throws {
        let platform = try await Platform()
        let other = Directory(log: platform.log, logger: .quiet)
        try await other.load()
        let workspace = WorkspaceRecord.make("Mobile")
        let status = StreamStatus(stream: .make(), workspace: workspace.id, state: .current, at: .now)
        try await withRunning(other) {
            try await platform.directory.publish([.workspace(workspace)])
            try await platform.directory.publish(status)
            try await waitUntil("the copy knows both") {
                other.current.workspaces[workspace.id] == workspace && other.current.statuses[status.stream] == status
            }
        }
    }

    @Test("after a restart everything is known again")
    func restart() async throws {
        let folder = try TemporaryFolder()
        let workspace = WorkspaceRecord.make("Mobile")
        let first = try await Platform(folder: folder)
        try await first.directory.publish([.workspace(workspace)])
        await first.log.close()
        let second = try await Platform(folder: folder)
        #expect(second.directory.current.workspaces[workspace.id] == workspace)
    }

    @Test("a compacted topic still tells the newest of each record")
    func compaction() async throws {
        let platform = try await Platform()
        var workspace = WorkspaceRecord.make("0")
        let other = WorkspaceRecord.make("other")
        try await platform.directory.publish([.workspace(other)])
        for i in 1...2500 {
            workspace.name = String(i)
            try await platform.directory.publish([.workspace(workspace)])
        }
        try await platform.log.maintain(now: Timestamp.now.advanced(bySeconds: 90 * 86_400))
        let kept = try await platform.log.read(.connections, partition: 0, from: 0, limit: 5000)
        try #require(kept.count < 2500)
        let late = Directory(log: platform.log, logger: .quiet)
        try await late.load()
        #expect(late.current.workspaces[workspace.id]?.name == "2500")
        #expect(late.current.workspaces[other.id]?.name == "other")
    }

    @Test("a tombstone removes, a record that cannot be read is passed over")
    func oddRecords() async throws {
        let platform = try await Platform()
        let gone = WorkspaceRecord.make("gone"), kept = WorkspaceRecord.make("kept")
        try await platform.directory.publish([.workspace(gone)])
        var batch = RecordBatch()
        batch.appendTombstone(key: gone.id.rawValue)
        batch.append(key: "ws_odd", value: Array("{".utf8))
        try await platform.log.append(batch, to: .connections)
        try await platform.directory.publish([.workspace(kept)])
        #expect(platform.directory.current.workspaces[gone.id] == nil)
        #expect(platform.directory.current.workspaces[kept.id] == kept)
    }

    @Test("others' things, deleted things and things that never were are all not found")
    func visibility() async throws {
        let platform = try await Platform()
        let mine = AccountID.make()
        var deleted = WorkspaceRecord.make("deleted", account: mine)
        deleted.isDeleted = true
        let own = WorkspaceRecord.make("own", account: mine), other = WorkspaceRecord.make("other")
        try await platform.directory.publish([.workspace(own), .workspace(other), .workspace(deleted)])
        let snapshot = platform.directory.current
        let caller = Caller(account: mine, token: .make(), scopes: [.read])
        #expect(try snapshot.workspace(own.id, for: caller) == own)
        for id in [other.id, deleted.id, .make()] {
            #expect(throws: Problem.self) { try snapshot.workspace(id, for: caller) }
        }
        let operatorToken = Caller(account: .make(), token: .make(), scopes: [.admin])
        #expect(try snapshot.workspace(other.id, for: operatorToken) == other)
    }
}
