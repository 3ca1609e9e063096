import Common

/// The jobs that are in line.
///
/// A lane is a log: its new jobs stand in it by their ids, in an index that a claim does not change, and `job_line` says
/// from which id on none was taken up, its head. So a claim writes one small row a lane, however many jobs wait.
/// Jobs that are put in line again, after a failure or when their time has come, are few, and stand in an index of
/// their own. A lane has both; the older go first.
struct JobLine {
    struct Entry {
        let lane: Lane
        /// Where its new jobs begin; nil where it has none.
        var head: String?
        /// Whether ``head`` is not what the table says any more.
        var isMoved = false
        /// From which id on there may be jobs that were put in line again; nil where it has none.
        var again: String?

        var isEmpty: Bool { head == nil && again == nil }
    }
    /// The lanes that have jobs, and those that had some.
    var entries: [Entry] = []
    /// How many of each kind, workspace and provider run.
    var running: [ClaimPlan.Place: Int] = [:]
    /// The providers that failed of late.
    var breakers: [String: ProviderBreaker] = [:]

    /// An identifier's text that sorts directly behind this one: base 32 has nothing before `0`.
    static func behind(_ id: String) -> String { id + "+" }
}

extension JobTable {
    /// Notes that a lane has a new job.
    func extend(_ lane: String, with id: JobID) throws {
        try connection.execute(
            """
            INSERT INTO job_line (name, head) VALUES (\(lane), \(id))
            ON CONFLICT (name) DO UPDATE SET head = excluded.head WHERE excluded.head < job_line.head
            """)
    }

    /// The earliest deadline of what waits, by the index that each database has for it. After a flood PostgreSQL knows
    /// nothing of the table: with one condition more than the index has it believes that few rows are left, and reads all.
    var firstDeadline: String {
        switch connection.dialect {
        case .sqlite: "SELECT min(deadline) FROM job WHERE state = 'REQUESTED' AND ended_at IS NULL"
        case .postgres: "SELECT min(deadline) FROM job WHERE state = 'REQUESTED'"
        }
    }

    /// What runs. PostgreSQL is told twice more that it is little: then it reads the index itself and not a bitmap of it,
    /// and remembers which entries are of jobs that ran before.
    private var isRunning: String {
        switch connection.dialect {
        case .sqlite: "state = 'RUNNING'"
        case .postgres: "state = 'RUNNING' AND lease_ends > 0 AND worker > ''"
        }
    }

    /// The lanes that have jobs, what runs, and the providers that failed: as many looks into an index as there are lanes
    /// with jobs that were put in line again, however many jobs.
    func line() throws -> JobLine {
        var line = JobLine()
        var again: [String] = []
        try connection.forEach(
            """
            WITH RECURSIVE found (lane) AS (
                SELECT min(lane) FROM job WHERE lane > ''
                UNION ALL
                SELECT (SELECT min(job.lane) FROM job WHERE job.lane > '' AND job.lane > found.lane)
                FROM found WHERE found.lane IS NOT NULL)
            SELECT 0, name, NULL, NULL, failures, open_until FROM job_provider
            UNION ALL
            SELECT 1, name, head, NULL, 0, NULL FROM job_line
            UNION ALL
            SELECT 2, lane, NULL, NULL, 0, NULL FROM found WHERE lane IS NOT NULL
            UNION ALL
            SELECT 3, kind, workspace, provider, 0, NULL FROM job WHERE \(raw: isRunning)
            """
        ) { row in
            switch row.integer(0) {
            case 0:
                line.breakers[row.text(1)] = ProviderBreaker(
                    failures: Int(row.integer(4)), openUntil: row.optionalInteger(5).map(Timestamp.init(milliseconds:)))
            case 1:
                if let lane = Lane(row.text(1)) { line.entries.append(JobLine.Entry(lane: lane, head: row.text(2))) }
            case 2: again.append(row.text(1))
            default:
                let place = ClaimPlan.Place(
                    kind: row.text(1), workspace: row.optionalText(2) ?? "-", provider: row.optionalText(3))
                line.running[place, default: 0] += 1
            }
        }
        for text in again {
            if let index = line.entries.firstIndex(where: { $0.lane.text == text }) {
                line.entries[index].again = ""
            } else if let lane = Lane(text) {
                line.entries.append(JobLine.Entry(lane: lane, again: ""))
            }
        }
        return line
    }

    /// Keeps where the new jobs of lanes begin.
    func keepHeads(of line: JobLine) throws {
        let moved = line.entries.filter(\.isMoved)
        let kept = moved.filter { $0.head != nil }
        try connection.write(
            BulkRows([.texts(kept.map(\.lane.text)), .texts(kept.compactMap(\.head))]),
            BulkStatement(into: "job_line", columns: ["name", "head"], key: ["name"], conflict: .replace(["head"])))
        let empty = moved.filter { $0.head == nil }.map(\.lane.text)
        if !empty.isEmpty { try connection.execute("DELETE FROM job_line WHERE name IN \(list: empty)") }
    }
}
