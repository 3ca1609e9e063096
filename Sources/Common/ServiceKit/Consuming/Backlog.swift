public import Common

/// What of one workspace waits on a topic: records whose header names it, behind the positions of those who read.
///
/// Only headers are looked at, and no more than ``bound`` records, so that asking stays cheap while much waits.
public struct Backlog: Sendable, Hashable {
    /// How many records are looked at.
    public static let bound = 2000

    public private(set) var records = 0
    /// Whether there was more than was looked at: ``records`` is the least that waits.
    public private(set) var isMinimum = false

    public init() {}

    /// - Parameters:
    ///   - header: The header that names the workspace.
    ///   - positions: Where each partition is to be read from; a partition that is not there, from its first record.
    public init(
        of workspace: WorkspaceID, on topic: Topic, header: String, behind positions: [Int: Int64],
        in log: any EventLog
    ) async throws {
        let name = Array(workspace.rawValue.utf8)
        var left = Self.bound
        for bounds in try await log.bounds(of: topic) {
            var at = max(bounds.first, positions[bounds.partition] ?? 0)
            while at < bounds.end {
                guard left > 0 else {
                    isMinimum = true
                    return
                }
                let batch = try await log.read(topic, partition: bounds.partition, from: at, limit: min(500, left))
                guard !batch.isEmpty else { break }
                for i in 0..<batch.count where batch.headers(at: i).bytes(header)?.elementsEqual(name) == true {
                    records += 1
                }
                left -= batch.count
                at = batch.offset(at: batch.count - 1) + 1
            }
        }
    }

    public static func + (left: Backlog, right: Backlog) -> Backlog {
        var sum = left
        sum.records += right.records
        sum.isMinimum = left.isMinimum || right.isMinimum
        return sum
    }
}
