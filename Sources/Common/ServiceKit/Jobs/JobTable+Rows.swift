public import ByteJSON
import Common

extension JobTable {
    static let columns = columns(history: "history")
    /// For one that is taken up: nobody looks back then, and histories are long.
    static let columnsWithoutHistory = columns(history: "''")

    private static func columns(history: String) -> String {
        """
        id, kind, workspace, payload, priority, state, ending, reason, attempt, fence, worker, lease_ends, due, \
        deadline, progress, note, key_ends, requested_at, started_at, ended_at, \(history), provider, \
        taken_at
        """
    }

    /// Where a claim's query has which share a job is of, and the key of its row: behind the columns of a job.
    static let numberColumn = 23
    static let keyColumn = 24

    static func job(_ row: any DatabaseRow) throws -> Job {
        guard let id = JobID(row.text(0)), let state = JobState(rawValue: row.text(5)) else {
            throw DatabaseError.corrupt("a row of job has id \(row.text(0)) and state \(row.text(5))")
        }
        return Job(
            id: id, kind: row.text(1), workspace: row.optionalText(2).flatMap { WorkspaceID($0) },
            payload: json(row.text(3)), priority: Int(row.integer(4)),
            provider: row.optionalText(21),
            phase: JobPhase(state, ending: row.optionalText(6).flatMap(JobState.init(rawValue:))),
            reason: row.optionalText(7), attempt: Int(row.integer(8)), due: Timestamp(milliseconds: row.integer(12)),
            deadline: Timestamp(milliseconds: row.integer(13)), progress: row.real(14), note: row.optionalText(15),
            worker: row.optionalText(10), leaseEnds: row.optionalInteger(11).map(Timestamp.init(milliseconds:)),
            requestedAt: Timestamp(milliseconds: row.integer(17)),
            startedAt: row.optionalInteger(18).map(Timestamp.init(milliseconds:)),
            takenAt: row.optionalInteger(22).map(Timestamp.init(milliseconds:)),
            endedAt: row.optionalInteger(19).map(Timestamp.init(milliseconds:)),
            lines: row.text(20), fence: row.integer(9), keyEnds: row.integer(16) != 0)
    }

    /// A column that holds JSON; null if it does not.
    public static func json(_ text: String) -> JSON {
        (try? JSONDocument(parsing: Array(text.utf8))).map { JSON($0.root) } ?? .null
    }
}
