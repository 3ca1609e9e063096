import Common

/// What the writer's thread does with the work it takes.
struct WriterLoop {
    /// What one transaction may hold.
    private static let groupBytes = 16 << 20
    /// From this many pages on (32 MiB) the write-ahead log is copied into the file, by another thread…
    private static let pagesForCheckpoint = 2048
    /// …until this many are left, which the writer copies: nothing is added meanwhile, so the next commit begins the
    /// write-ahead log anew. A flood adds a hundred while the disk takes what was copied; were fewer asked for, the end
    /// would never come.
    private static let pagesLeft = 192
    /// From this many on (112 MiB, 128 with the transaction in hand) the writer copies all, and waits for those who read
    /// there.
    private static let pagesAtMost = 7168

    private let connection: LogConnection
    private let coordinator: Coordinator
    private let checkpointer: Checkpointer
    /// Kept from group to group for their buffers.
    private var partitions: [String: TopicAppender] = [:]
    private var pagesBefore = 0
    private var pagesAtNextCheckpoint = pagesForCheckpoint

    init(connection: LogConnection, coordinator: Coordinator, checkpointer: Checkpointer) {
        self.connection = connection
        self.coordinator = coordinator
        self.checkpointer = checkpointer
    }

    mutating func process(_ work: [LogWriter.Work]) {
        var start = 0
        var bytes = 0
        for (at, piece) in work.enumerated() {
            if case .other(let body) = piece {
                commit(work[start..<at])
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

    /// Writes a group in one transaction and answers all of it.
    private mutating func commit(_ group: ArraySlice<LogWriter.Work>) {
        guard !group.isEmpty else { return }
        defer { boundWAL() }
        var positions: [[LogPosition]] = []
        do {
            try connection.transaction {
                let now = Timestamp.now.milliseconds
                for case .append(let append) in group {
                    let appender = try appender(of: append.topic)
                    positions.append(try appender.add(append, now: now, to: connection))
                }
                for appender in partitions.values where appender.isTouched { try appender.finish(in: connection) }
                for case .commit(let commit) in group { try write(commit) }
            }
        } catch {
            for appender in partitions.values { appender.forget() }
            fail(group, with: error)
            return
        }
        coordinator.failure = nil
        for (topic, appender) in partitions where appender.isTouched { coordinator.note(appender.take(), of: topic) }
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
        coordinator.failure = "\(error)"
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
