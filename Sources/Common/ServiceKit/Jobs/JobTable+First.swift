import Common

/// A job that is first in line.
struct FirstJob {
    let job: Job
    /// What names its row: SQLite's row id, which spares a look into an index, or the id.
    let key: SQLValue
}

/// Who is first in line.
extension JobTable {
    /// The first jobs of lanes, so many of each: one look into an index a job. They count as taken.
    ///
    /// - Parameter shares: Which of the line's lanes, and how many.
    /// - Returns: The jobs for each share.
    func first(_ shares: [(lane: Int, count: Int)], _ line: inout JobLine) throws -> [[FirstJob]] {
        let new = try first(shares, of: line, in: "queue", where: "job.lane = ''") { $0.head }
        let again = try first(shares, of: line, in: "lane", where: "job.lane > ''") { $0.again }
        return shares.indices.map { index in
            let (lane, count) = shares[index]
            let (fresh, old) = (new[index], again[index])
            let taken =
                old.isEmpty ? fresh : Array((fresh + old).sorted { $0.job.id < $1.job.id }.prefix(count))
            let last = taken.last?.job.id
            // Where it has fewer than were asked for, and all of them are taken, it is over.
            func rest(of found: [FirstJob], from begin: String) -> String? {
                let end = found.last { $0.job.id <= last ?? $0.job.id }?.job.id
                return found.count < count && end == found.last?.job.id
                    ? nil : end.map { JobLine.behind($0.rawValue) } ?? begin
            }
            if let head = line.entries[lane].head {
                line.entries[lane].head = rest(of: fresh, from: head)
                line.entries[lane].isMoved = true
            }
            if let begin = line.entries[lane].again { line.entries[lane].again = rest(of: old, from: begin) }
            return taken
        }
    }

    private func first(
        _ shares: [(lane: Int, count: Int)], of line: JobLine, in column: String, where: String,
        from begin: (JobLine.Entry) -> String?
    ) throws -> [[FirstJob]] {
        var found = [[FirstJob]](repeating: [], count: shares.count)
        var rows: [String] = []
        var bindings: [SQLValue] = []
        for (index, share) in shares.enumerated() {
            let entry = line.entries[share.lane]
            guard let begin = begin(entry) else { continue }
            rows.append("(\(index), ?, ?, ?)")
            bindings += [entry.lane.text.sqlValue, begin.sqlValue, share.count.sqlValue]
        }
        guard !rows.isEmpty else { return found }
        let wanted = SQL(raw: "VALUES " + rows.joined(separator: ", "), bindings: bindings)
        let dialect = connection.dialect
        let sql =
            switch dialect {
            case .sqlite:
                Self.sqliteFirst(of: wanted, in: column, where: `where`, isOneEach: shares.allSatisfy { $0.count == 1 })
            case .postgres: Self.postgresFirst(of: wanted, in: column, where: `where`)
            }
        try connection.forEach(sql) { row in
            let job = try Self.job(row)
            let key = dialect == .sqlite ? row.integer(Self.keyColumn).sqlValue : job.id.sqlValue
            found[Int(row.integer(Self.numberColumn))].append(FirstJob(job: job, key: key))
        }
        return found
    }

    /// The first jobs of each lane that is wanted, locked; those that somebody else has locked are not among them.
    private static func postgresFirst(of wanted: SQL, in column: String, where: String) -> SQL {
        """
        SELECT found.*, column1 FROM (\(wanted)) AS wanted CROSS JOIN LATERAL (
            SELECT \(raw: columnsWithoutHistory) FROM job
            WHERE job.\(raw: column) = column2 AND job.id >= column3 AND \(raw: `where`)
            ORDER BY job.id LIMIT column4 \(raw: Dialect.postgres.forUpdateSkippingLocked)) AS found
        """
    }

    /// The first jobs of each lane that is wanted, by one look into the index after the other.
    private static func sqliteFirst(of wanted: SQL, in column: String, where: String, isOneEach: Bool) -> SQL {
        func next(_ lane: String, _ isBehind: String) -> String {
            """
            (SELECT rowid FROM job WHERE job.\(column) = \(lane) AND job.id \(isBehind) AND \(`where`)
                ORDER BY job.id LIMIT 1)
            """
        }
        let one: SQL = """
            SELECT column1 AS number, \(raw: next("column2", ">= column3")) AS place, column2 AS lane, column4 - 1 AS more
            FROM (\(wanted)) AS wanted
            """
        let all: SQL = """
            WITH RECURSIVE taken AS (
                \(one)
                UNION ALL
                SELECT number, \(raw: next("taken.lane", "> (SELECT id FROM job WHERE rowid = taken.place)")), lane,
                    more - 1
                FROM taken WHERE more > 0 AND place IS NOT NULL)
            SELECT number, place FROM taken
            """
        return """
            SELECT \(raw: columnsWithoutHistory), number, job.rowid
            FROM (\(isOneEach ? one : all)) AS found CROSS JOIN job ON job.rowid = found.place
            """
    }
}
