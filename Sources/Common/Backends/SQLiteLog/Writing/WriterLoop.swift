import Common

/// What the writer's thread does with the work it takes.
struct WriterLoop {
    /// What one transaction may hold.
    private static let groupBytes = 16 << 20
    /// From this many appends on a group goes into the journal first: fewer are no flood.
    private static let groupForJournal = 4
    /// What may be in the journal alone before the tables get it.
    private static let pendingAtMost = 1 << 20
    /// From this many pages on (32 MiB) the write-ahead log is copied into the file, by another thread…
    private static let pagesForCheckpoint = 2048
    /// …until this many are left, which the writer copies: nothing is added meanwhile, so the next commit begins the
    /// write-ahead log anew. A flood adds a few hundred while the disk takes what was copied; were fewer asked for, the
    /// end would never come.
    private static let pagesLeft = 192
    /// From this many on (112 MiB, 128 with the transaction in hand) the writer copies all, and waits for those who read
    /// there.
    private static let pagesAtMost = 7168

    private let connection: LogConnection
    private let coordinator: Coordinator
    private let checkpointer: Checkpointer
    private let journal: Journal
    /// Whether there are records that only the journal has.
    private let isPending: PendingFlag
    private var pendingBytes = 0
    /// Kept from group to group for their buffers.
    private var partitions: [String: TopicAppender] = [:]
    private var pagesBefore = 0
    private var pagesAtNextCheckpoint = pagesForCheckpoint

    init(
        connection: LogConnection, coordinator: Coordinator, checkpointer: Checkpointer, journal: Journal,
        isPending: PendingFlag
    ) {
        self.connection = connection
        self.coordinator = coordinator
        self.checkpointer = checkpointer
        self.journal = journal
        self.isPending = isPending
    }

    mutating func process(_ work: [LogWriter.Work]) {
        var start = 0
        var bytes = 0
        for (at, piece) in work.enumerated() {
            if case .other(let body) = piece {
                commit(work[start..<at])
                // Where the disk does not take it now, the records are safe all the same, and not in sight yet.
                try? flush()
                body(connection)
                start = at + 1
                bytes = 0
                continue
            }
            bytes += piece.bytes
            if bytes >= Self.groupBytes {
                commit(work[start...at])
                start = at + 1
                bytes = 0
            }
        }
        commit(work[start...])
    }

    /// Makes a group durable and answers all of it.
    private mutating func commit(_ group: ArraySlice<LogWriter.Work>) {
        guard !group.isEmpty else { return }
        do {
            if let positions = try noteInJournal(group) {
                answer(group, positions)
                if pendingBytes >= Self.pendingAtMost { try? flush() }
                return
            }
            try flush()
            answer(group, try writeThrough(group))
        } catch {
            coordinator.failure = "\(error)"
            fail(group, with: error)
        }
    }

    /// Notes a group of small appends in the journal, from where the tables get it with others.
    ///
    /// - Returns: nil if the group is no such group.
    private mutating func noteInJournal(_ group: ArraySlice<LogWriter.Work>) throws -> [[LogPosition]]? {
        guard group.count >= Self.groupForJournal, coordinator.failure == nil else { return nil }
        var bytes = 0
        var records = 0
        for piece in group {
            guard case .append(let append) = piece else { return nil }
            bytes += append.batch.arena.count
            records += append.batch.count
        }
        guard bytes <= Journal.groupBytes else { return nil }
        if !journal.hasRoom(forRecords: records, bytes: bytes) { try flush() }
        for case .append(let append) in group { _ = try appender(of: append.topic) }
        let now = Timestamp.now.milliseconds
        var positions: [[LogPosition]] = []
        for case .append(let append) in group {
            positions.append(try appender(of: append.topic).add(append, now: now, to: journal))
        }
        pendingBytes += bytes
        isPending.set(true)
        do {
            try journal.commit()
        } catch {
            // They have their offsets, so the tables must have them; and then they are safe.
            try flush()
        }
        return positions
    }

    /// Brings what only the journal has into the tables, where it can be read.
    ///
    /// - Throws: If the disk does not take it now; it stays in the journal, and nothing else is taken before it.
    mutating func flush() throws {
        guard isPending.isSet else { return }
        do {
            try connection.transaction {
                for appender in partitions.values where appender.isTouched { try appender.write(to: connection) }
            }
        } catch {
            coordinator.failure = "\(error)"
            throw error
        }
        tell()
        journal.reset()
        pendingBytes = 0
        isPending.set(false)
        boundWAL()
    }

    /// Writes a group in one transaction.
    private mutating func writeThrough(_ group: ArraySlice<LogWriter.Work>) throws -> [[LogPosition]] {
        var positions: [[LogPosition]] = []
        do {
            try connection.transaction {
                let now = Timestamp.now.milliseconds
                for case .append(let append) in group {
                    let appender = try appender(of: append.topic)
                    positions.append(try appender.add(append, now: now, to: connection))
                }
                for appender in partitions.values where appender.isTouched { try appender.write(to: connection) }
                for case .commit(let commit) in group { try write(commit) }
            }
        } catch {
            for appender in partitions.values { appender.forget() }
            boundWAL()
            throw error
        }
        coordinator.failure = nil
        tell()
        boundWAL()
        return positions
    }

    /// Lets readers see what was committed.
    private func tell() {
        for (topic, appender) in partitions where appender.isTouched {
            coordinator.note(ends: appender.take(), of: topic)
        }
    }

    private func answer(_ group: ArraySlice<LogWriter.Work>, _ positions: [[LogPosition]]) {
        var next = 0
        for piece in group {
            switch piece {
            case .append(let append):
                append.continuation.resume(returning: positions[next])
                next += 1
            case .commit(let commit): commit.continuation.resume()
            case .other: break
            }
        }
    }

    private func fail(_ group: ArraySlice<LogWriter.Work>, with error: any Error) {
        for piece in group {
            switch piece {
            case .append(let append): append.continuation.resume(throwing: error)
            case .commit(let commit): commit.continuation.resume(throwing: error)
            case .other: break
            }
        }
    }

    private mutating func appender(of topic: String) throws -> TopicAppender {
        if let known = partitions[topic] {
            if !known.isTouched { known.begin(at: try coordinator.topicForWriter(topic)) }
            return known
        }
        let appender = TopicAppender()
        appender.begin(at: try coordinator.topicForWriter(topic))
        partitions[topic] = appender
        return appender
    }

    private func write(_ commit: LogWriter.Commit) throws {
        let topic = try coordinator.topicForWriter(commit.topic)
        let statement = try connection.statement(
            """
            INSERT INTO committed (consumers, topic, part, next_offset) VALUES (?, ?, ?, ?)
            ON CONFLICT (consumers, topic, part) DO UPDATE SET next_offset = excluded.next_offset
            """)
        for (partition, offset) in commit.positions {
            try statement.run(
                .text(commit.group.name), .integer(topic.id), .integer(Int64(partition)), .integer(offset))
        }
    }

    private mutating func boundWAL() {
        let pages = connection.pagesInWAL
        // It began anew.
        if pages < pagesBefore { pagesAtNextCheckpoint = Self.pagesForCheckpoint }
        pagesBefore = pages
        if pages >= Self.pagesAtMost {
            connection.checkpoint(waitingForReaders: true)
        } else if let copied = checkpointer.takeCopied() {
            if pages - copied <= Self.pagesLeft {
                connection.checkpoint(waitingForReaders: false)
            } else if pages >= Self.pagesForCheckpoint {
                checkpointer.wake()
            }
        } else if pages >= pagesAtNextCheckpoint {
            pagesAtNextCheckpoint = pages + Self.pagesForCheckpoint
            checkpointer.wake()
        }
    }
}
