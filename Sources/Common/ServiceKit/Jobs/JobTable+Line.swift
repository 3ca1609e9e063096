import Common

/// The jobs that are in line.
///
/// A lane is a log: its new jobs stand in it by their ids, in an index that a claim does not change, and `job_line` says
/// from which id on none was taken up, its head. So a claim writes one small row a lane, however many jobs wait.
/// Jobs that are put in line again, after a failure or when their time has come, are few, and stand in an index of
/// their own. A lane has both; the older go first.
struct JobLine {
    /// The lanes that have jobs.
    var lanes: [Lane] = []
    /// Where new jobs begin, in the lanes that have such.
    var heads: [Lane: String] = [:]
    /// The lanes whose heads moved; nil where they have no new jobs any more.
    var moved: [Lane: String?] = [:]
    /// From which id on there may be jobs that were put in line again, in the lanes that have such.
    var again: [Lane: String] = [:]
    /// Whether some are over their deadline.
    var hasLate = false
    /// How many of each kind, workspace and provider run.
    var running: [ClaimPlan.Place: Int] = [:]
    /// The providers that failed of late.
    var breakers: [String: ProviderBreaker] = [:]

    func isEmpty(_ lane: Lane) -> Bool { heads[lane] == nil && again[lane] == nil }

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

    /// The lanes that have jobs, what runs, and the providers that failed: as many looks into an index as there are lanes
    /// with jobs that were put in line again, however many jobs.
    func line() throws -> JobLine {
        var line = JobLine()
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
            SELECT 3, NULL, NULL, NULL, 0, NULL WHERE (\(raw: firstDeadline)) <= \(now)
            UNION ALL
            SELECT 4, kind, workspace, provider, 0, NULL FROM job WHERE state = 'RUNNING'
            """
        ) { row in
            switch row.integer(0) {
            case 0:
                line.breakers[row.text(1)] = ProviderBreaker(
                    failures: Int(row.integer(4)), openUntil: row.optionalInteger(5).map(Timestamp.init(milliseconds:)))
            case 1:
                guard let lane = Lane(row.text(1)) else { return }
                line.lanes.append(lane)
                line.heads[lane] = row.text(2)
            case 2:
                guard let lane = Lane(row.text(1)) else { return }
                if line.heads[lane] == nil { line.lanes.append(lane) }
                line.again[lane] = ""
            case 3: line.hasLate = true
            default:
                let place = ClaimPlan.Place(
                    kind: row.text(1), workspace: row.optionalText(2) ?? "-", provider: row.optionalText(3))
                line.running[place, default: 0] += 1
            }
        }
        return line
    }

    /// The first jobs of lanes, so many of each: one look into an index a job. They count as taken.
    func first(_ shares: [(lane: Lane, count: Int)], _ line: inout JobLine) throws -> [(lane: Lane, ids: [String])] {
        let new = try first(
            shares.filter { line.heads[$0.lane] != nil }.map { ($0.lane, line.heads[$0.lane] ?? "", $0.count) },
            in: "queue", where: "job.lane = ''")
        let again = try first(
            shares.filter { line.again[$0.lane] != nil }.map { ($0.lane, line.again[$0.lane] ?? "", $0.count) },
            in: "lane", where: "job.lane > ''")
        var found: [(lane: Lane, ids: [String])] = []
        for (lane, count) in shares {
            let (fresh, old) = (new[lane.text] ?? [], again[lane.text] ?? [])
            let ids = old.isEmpty ? fresh : Array((fresh + old).sorted().prefix(count))
            if line.heads[lane] != nil {
                let end = old.isEmpty ? fresh.last : fresh.last { ids.contains($0) }
                // It has fewer than were asked for, and all of them are taken.
                let isOver = fresh.count < count && end == fresh.last
                let head = isOver ? nil : end.map(JobLine.behind) ?? line.heads[lane]
                line.heads[lane] = head
                line.moved[lane] = .some(head)
            }
            if line.again[lane] != nil {
                let end = old.last { ids.contains($0) }
                let isOver = old.count < count && end == old.last
                line.again[lane] = isOver ? nil : end.map(JobLine.behind) ?? line.again[lane]
            }
            found.append((lane, ids))
        }
        return found
    }

    private func first(_ shares: [(lane: Lane, from: String, count: Int)], in column: String, where: String) throws
        -> [String: [String]]
    {
        guard !shares.isEmpty else { return [:] }
        let wanted = SQL(
            raw: "VALUES " + repeatElement("(?, ?, ?)", count: shares.count).joined(separator: ", "),
            bindings: shares.flatMap { [$0.lane.text.sqlValue, $0.from.sqlValue, $0.count.sqlValue] })
        var found: [String: [String]] = [:]
        try connection.forEach(
            """
            WITH RECURSIVE taken (lane, id, more) AS (
                SELECT column1, (SELECT id FROM job WHERE job.\(raw: column) = column1 AND job.id >= column2
                    AND \(raw: `where`) ORDER BY job.id LIMIT 1), column3 - 1
                FROM (\(wanted)) AS wanted
                UNION ALL
                SELECT lane, (SELECT id FROM job WHERE job.\(raw: column) = taken.lane AND job.id > taken.id
                    AND \(raw: `where`) ORDER BY job.id LIMIT 1), more - 1
                FROM taken WHERE more > 0 AND id IS NOT NULL)
            SELECT lane, id FROM taken WHERE id IS NOT NULL
            """
        ) { row in found[row.text(0), default: []].append(row.text(1)) }
        return found
    }

    /// Keeps where the new jobs of lanes begin.
    func keepHeads(of line: JobLine) throws {
        let moved = line.moved.compactMap { lane, head in head.map { (lane.text, $0) } }
        try connection.write(
            BulkRows([.texts(moved.map(\.0)), .texts(moved.map(\.1))]),
            BulkStatement(into: "job_line", columns: ["name", "head"], key: ["name"], conflict: .replace(["head"])))
        let empty = line.moved.filter { $0.value == nil }.keys.map(\.text)
        if !empty.isEmpty { try connection.execute("DELETE FROM job_line WHERE name IN \(list: empty)") }
    }
}
