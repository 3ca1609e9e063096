import Common
import ServiceKit

/// Tells how complete answers are.
struct CoverageReader: Sendable {
    let log: any EventLog
    let store: ReportsStore

    /// How far each stream of a workspace was read.
    func streams(of workspace: WorkspaceID, in snapshot: Directory.Snapshot) -> [InsightReport.Stream] {
        snapshot.streams(of: workspace).filter { $0.status != .deleted }.map { stream in
            let status = snapshot.status(of: stream.id)
            return InsightReport.Stream(
                streamID: stream.id, name: stream.name, connector: stream.connector, caughtUpTo: status?.caughtUpTo,
                status: stream.status == .paused ? stream.status.rawValue : status?.state.rawValue ?? "pending",
                reason: status?.reason)
        }
    }

    /// Events of a workspace that were accepted and are not in the tables yet: what the parser has not read, and what
    /// it has sent and was not stored.
    func inFlight(of workspace: WorkspaceID) async throws -> Backlog {
        let parsed = try await log.committed(.parser, topic: .raw)
        let unread = try await Backlog(
            of: workspace, on: .raw, header: RawHeader.workspace,
            behind: Dictionary(uniqueKeysWithValues: parsed.enumerated().map { ($0.offset, $0.element) }), in: log)
        let unsettled = try await Backlog(
            of: workspace, on: .feedback, header: FeedbackHeader.workspace, behind: try await store.positions(),
            in: log)
        return unread + unsettled
    }
}
