import Common

/// The jobs that read raw events again, and how far each is.
struct ReprocessStore: Sendable {
    let database: any Database

    /// How long finished jobs are told of.
    private static let keptSeconds = 30.0 * 86_400

    /// Keeps a new job over what the log holds now.
    func add(_ filter: ReprocessFilter, over bounds: [PartitionBounds], at now: Timestamp) async throws
        -> ReprocessJob
    {
        let parts = bounds.map { ReprocessPart(partition: $0.partition, first: $0.first, next: $0.first, end: $0.end) }
        let job = ReprocessJob(id: .make(at: now), filter: filter, requestedAt: now, finishedAt: nil, parts: parts)
        try await database.write { db in
            let old = now.advanced(bySeconds: -Self.keptSeconds)
            try db.execute(
                "DELETE FROM reprocess_part WHERE job IN (SELECT id FROM reprocess_job WHERE finished_at < \(old))")
            try db.execute("DELETE FROM reprocess_job WHERE finished_at < \(old)")
            try db.execute(
                """
                INSERT INTO reprocess_job (id, workspace, stream, requested_at)
                VALUES (\(job.id), \(filter.workspace), \(filter.stream), \(now))
                """)
            for part in parts {
                try db.execute(
                    """
                    INSERT INTO reprocess_part (job, raw_partition, next_offset, first_offset, end_offset)
                    VALUES (\(job.id), \(part.partition), \(part.next), \(part.first), \(part.end))
                    """)
            }
        }
        return job
    }

    func job(_ id: JobID) async throws -> ReprocessJob? {
        try await database.read { try $0.jobs(where: "id = \(id)").first }
    }

    /// The oldest job that is not done.
    func open() async throws -> ReprocessJob? {
        try await database.read { try $0.jobs(where: "finished_at IS NULL").first }
    }

    /// Where the parser itself is in each raw partition.
    func positions() async throws -> [Int: Int64] {
        try await database.read { db in
            let rows = try db.query("SELECT raw_partition, next_offset FROM parser_position") {
                (Int($0.integer(0)), $0.integer(1))
            }
            return Dictionary(rows) { first, _ in first }
        }
    }

    /// Moves a part on from where it was read.
    ///
    /// - Throws: ``EventLogError/fenced(topic:partition:)`` if another process has done so.
    func advance(_ id: JobID, _ part: ReprocessPart, from: Int64) async throws {
        try await database.write { db in
            let moved = try db.execute(
                """
                UPDATE reprocess_part SET next_offset = \(part.next), emitted = \(part.emitted),
                    failed = \(part.failed), example = \(part.example)
                WHERE job = \(id) AND raw_partition = \(part.partition) AND next_offset = \(from)
                """)
            guard moved == 1 else { throw EventLogError.fenced(topic: Topic.raw.name, partition: part.partition) }
        }
    }

    func finish(_ id: JobID, at now: Timestamp) async throws {
        _ = try await database.write { db in
            try db.execute("UPDATE reprocess_job SET finished_at = \(now) WHERE id = \(id) AND finished_at IS NULL")
        }
    }
}

extension DatabaseConnection {
    /// Jobs, the oldest first.
    fileprivate func jobs(where condition: SQL) throws -> [ReprocessJob] {
        let jobs = try query(
            """
            SELECT id, workspace, stream, requested_at, finished_at FROM reprocess_job
            WHERE \(condition) ORDER BY requested_at, id
            """
        ) { row in
            JobID(row.text(0)).map { id in
                ReprocessJob(
                    id: id,
                    filter: ReprocessFilter(
                        workspace: row.optionalText(1).flatMap { WorkspaceID($0) },
                        stream: row.optionalText(2).flatMap { StreamID($0) }),
                    requestedAt: Timestamp(milliseconds: row.integer(3)),
                    finishedAt: row.optionalInteger(4).map(Timestamp.init(milliseconds:)), parts: [])
            }
        }.compactMap { $0 }
        return try jobs.map { job in
            var job = job
            job.parts = try query(
                """
                SELECT raw_partition, first_offset, next_offset, end_offset, emitted, failed, example
                FROM reprocess_part WHERE job = \(job.id) ORDER BY raw_partition
                """
            ) { row in
                ReprocessPart(
                    partition: Int(row.integer(0)), first: row.integer(1), next: row.integer(2), end: row.integer(3),
                    emitted: row.integer(4), failed: row.integer(5), example: row.optionalText(6))
            }
            return job
        }
    }
}
