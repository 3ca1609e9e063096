import Common
import ServiceKit

/// Tells how complete answers are.
struct CoverageReader: Sendable {
    let log: any EventLog
    let store: ReportsStore

    /// How far each stream of a workspace was read.
    func streams(of workspace: WorkspaceID, in snapshot: Directory.Snapshot) -> [InsightReport.Stream] {
        snapshot.streams(of: workspace).filter { $0.status != .deleted }.map { stream in
            let status = snapshot.statuses[stream.id]
            return InsightReport.Stream(
                streamID: stream.id, name: stream.name, connector: stream.connector, caughtUpTo: status?.caughtUpTo,
                status: stream.status == .paused ? stream.status.rawValue : status?.state.rawValue ?? "pending",
                reason: status?.reason)
        }
    }

    /// Events that were accepted and are not in the tables yet: what the parser has not read, and what it has sent and
    /// was not stored.
    func inFlight() async throws -> Int {
        let parsed = try await log.committed(.parser, topic: .raw)
        let raw = try await log.bounds(of: .raw).reduce(0) { sum, partition in
            sum + max(0, partition.end - max(partition.first, parsed.at(partition.partition)))
        }
        let positions = try await store.positions()
        let feedback = try await log.bounds(of: .feedback).reduce(0) { sum, partition in
            sum + max(0, partition.end - max(partition.first, positions[partition.partition] ?? 0))
        }
        return Int(raw + feedback)
    }
}

extension [Int64] {
    fileprivate func at(_ position: Int) -> Int64 { indices.contains(position) ? self[position] : 0 }
}
