import Common

/// The fetcher's tables: where each stream is, who reads it, and what was asked for.
struct FetcherStore: Sendable {
    let database: any Database

    // MARK: - Leases

    /// The right to read a stream, for a time.
    struct Lease: Sendable, Hashable {
        let stream: StreamID
        let holder: String
        /// Grows with every change of hands; what an older holder writes is refused.
        let fence: Int64
    }

    /// Takes the lease of a stream if nobody has it.
    func acquire(_ stream: StreamID, holder: String, now: Timestamp, until expiry: Timestamp) async throws -> Lease? {
        try await database.write { connection in
            let rows = try connection.execute(
                """
                INSERT INTO lease (stream, holder, fence, expires_at) VALUES (\(stream), \(holder), 1, \(expiry))
                ON CONFLICT (stream) DO UPDATE SET holder = excluded.holder, fence = lease.fence + 1,
                    expires_at = excluded.expires_at
                WHERE lease.expires_at <= \(now)
                """)
            guard rows == 1,
                let fence = try connection.first("SELECT fence FROM lease WHERE stream = \(stream)", { $0.integer(0) })
            else { return nil }
            return Lease(stream: stream, holder: holder, fence: fence)
        }
    }

    /// Keeps a lease for longer.
    ///
    /// - Throws: ``ReadFailure/lost`` if somebody else has it by now.
    func renew(_ lease: Lease, until expiry: Timestamp) async throws {
        try await database.write { try $0.hold(lease, until: expiry) }
    }

    func release(_ lease: Lease) async throws {
        _ = try await database.write { connection in
            try connection.execute(
                """
                UPDATE lease SET expires_at = 0
                WHERE stream = \(lease.stream) AND holder = \(lease.holder) AND fence = \(lease.fence)
                """)
        }
    }

    /// Ends the leases of a holder that is no more; nil ends all.
    func releaseAll(of holder: String? = nil) async throws {
        _ = try await database.write { connection in
            if let holder {
                try connection.execute("UPDATE lease SET expires_at = 0 WHERE holder = \(holder)")
            } else {
                try connection.execute("UPDATE lease SET expires_at = 0")
            }
        }
    }

    // MARK: - Checkpoints

    /// A lane's cursor and its version, which the next one must replace.
    struct Checkpoint: Sendable, Hashable {
        var cursor: LaneCursor
        var version: Int64
    }

    func checkpoint(_ stream: StreamID, _ lane: Lane) async throws -> Checkpoint? {
        try await database.read { connection in
            try connection.first(
                "SELECT cursor, version FROM checkpoint WHERE stream = \(stream) AND lane = \(lane.rawValue)"
            ) { Checkpoint(cursor: try LaneCursor(decoding: $0.text(0)), version: $0.integer(1)) }
        }
    }

    /// Makes a cursor durable, and counts the items that it covers.
    ///
    /// - Returns: The new version.
    /// - Throws: ``ReadFailure/lost`` if the lease has changed hands or the checkpoint is not the one that was read.
    func save(
        _ cursor: LaneCursor, _ lane: Lane, replacing version: Int64, lease: Lease, until expiry: Timestamp,
        items: Int, now: Timestamp
    ) async throws -> Int64 {
        let text = try cursor.encoded()
        return try await database.write { connection in
            try connection.hold(lease, until: expiry)
            let rows = try connection.execute(
                """
                INSERT INTO checkpoint (stream, lane, cursor, version, updated_at)
                VALUES (\(lease.stream), \(lane.rawValue), \(text), \(version + 1), \(now))
                ON CONFLICT (stream, lane) DO UPDATE SET cursor = excluded.cursor, version = excluded.version,
                    updated_at = excluded.updated_at
                WHERE checkpoint.version = \(version)
                """)
            guard rows == 1 else { throw ReadFailure.lost }
            try connection.execute(
                """
                INSERT INTO progress (stream, items) VALUES (\(lease.stream), \(items))
                ON CONFLICT (stream) DO UPDATE SET items = progress.items + excluded.items
                """)
            return version + 1
        }
    }

    // MARK: - Progress

    struct Progress: Sendable, Hashable {
        var items = 0
        var polledAt: Timestamp?
        var caughtUpTo: Timestamp?
    }

    func progress(_ stream: StreamID) async throws -> Progress {
        try await database.read { connection in
            try connection.first("SELECT items, polled_at, caught_up_to FROM progress WHERE stream = \(stream)") {
                row in
                Progress(
                    items: Int(row.integer(0)), polledAt: row.optionalInteger(1).map(Timestamp.init(milliseconds:)),
                    caughtUpTo: row.optionalInteger(2).map(Timestamp.init(milliseconds:)))
            } ?? Progress()
        }
    }

    /// Notes that the live lane came to its end.
    func caughtUp(_ stream: StreamID, to time: Timestamp, at now: Timestamp) async throws {
        _ = try await database.write { connection in
            try connection.execute(
                """
                INSERT INTO progress (stream, items, polled_at, caught_up_to) VALUES (\(stream), 0, \(now), \(time))
                ON CONFLICT (stream) DO UPDATE SET polled_at = excluded.polled_at, caught_up_to = excluded.caught_up_to
                """)
        }
    }

    // MARK: - Requests

    /// Something that was asked for and is not done.
    struct Request: Sendable, Hashable {
        var stream: StreamID
        var requestedAt: Timestamp
        var backfillSince: Timestamp?
    }

    /// Keeps requests; one that is older than what is known of its stream changes nothing.
    func keep(_ requests: [FetchRequest]) async throws {
        try await database.write { connection in
            for request in requests {
                try connection.execute(
                    """
                    INSERT INTO fetch_request (stream, requested_at, backfill_since)
                    VALUES (\(request.stream), \(request.requestedAt), \(request.backfillSince))
                    ON CONFLICT (stream) DO UPDATE SET requested_at = excluded.requested_at,
                        backfill_since = CASE
                            WHEN fetch_request.handled_at >= fetch_request.requested_at
                                OR fetch_request.backfill_since IS NULL THEN excluded.backfill_since
                            WHEN excluded.backfill_since < fetch_request.backfill_since THEN excluded.backfill_since
                            ELSE fetch_request.backfill_since END
                    WHERE excluded.requested_at > fetch_request.requested_at
                    """)
            }
        }
    }

    func openRequests() async throws -> [Request] {
        try await database.read { connection in
            try connection.query(
                "SELECT stream, requested_at, backfill_since FROM fetch_request WHERE handled_at < requested_at"
            ) { row in
                StreamID(row.text(0)).map { stream in
                    Request(
                        stream: stream, requestedAt: Timestamp(milliseconds: row.integer(1)),
                        backfillSince: row.optionalInteger(2).map(Timestamp.init(milliseconds:)))
                }
            }.compactMap { $0 }
        }
    }

    /// Whether a request is still to be done; another fetcher may have done it.
    func isOpen(_ request: Request) async throws -> Bool {
        try await database.read { connection in
            try connection.first(
                "SELECT 1 FROM fetch_request WHERE stream = \(request.stream) AND handled_at < \(request.requestedAt)"
            ) { _ in true } ?? false
        }
    }

    func handled(_ request: Request) async throws {
        _ = try await database.write { connection in
            try connection.execute(
                """
                UPDATE fetch_request SET handled_at = \(request.requestedAt)
                WHERE stream = \(request.stream) AND handled_at < \(request.requestedAt)
                """)
        }
    }
}

extension DatabaseConnection {
    /// Keeps a lease, in the transaction that relies on it.
    fileprivate func hold(_ lease: FetcherStore.Lease, until expiry: Timestamp) throws {
        let rows = try execute(
            """
            UPDATE lease SET expires_at = \(expiry)
            WHERE stream = \(lease.stream) AND holder = \(lease.holder) AND fence = \(lease.fence)
            """)
        guard rows == 1 else { throw ReadFailure.lost }
    }
}
