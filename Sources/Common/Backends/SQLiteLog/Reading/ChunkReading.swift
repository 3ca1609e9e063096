import Common

/// A stretch of one partition.
struct Stretch: Sendable {
    let table: String
    let from: Int64
    /// Records from here on are not read: their commit is not announced yet.
    let end: Int64
    let limit: Int
    /// Reading stops after the record that reaches this.
    let maximumBytes: Int
}

extension LogConnection {
    /// Reads a stretch.
    ///
    /// - Returns: The records, and the offset to go on from.
    func read(_ stretch: Stretch) throws -> (records: RecordBatch, next: Int64) {
        var records = RecordBatch()
        var isCut = false
        try forEachChunk(of: stretch.table, from: stretch.from) { chunk in
            try chunk.forEach { entry in
                if entry.offset < stretch.from { return true }
                if entry.offset >= stretch.end { return false }
                guard records.count < stretch.limit, records.isEmpty || records.arena.count < stretch.maximumBytes
                else {
                    isCut = true
                    return false
                }
                records.append(entry, of: chunk.arena)
                return true
            }
            return !isCut && chunk.first < stretch.end
        }
        // Compaction leaves gaps: behind the last record there may be nothing up to the end.
        let last = records.isEmpty ? stretch.from : records.offset(at: records.count - 1) + 1
        return (records, isCut ? last : stretch.end)
    }

    /// Hands out the chunks of a table in their order, from the one that holds `offset`; `body` says whether to go on.
    func forEachChunk(of table: String, from offset: Int64, _ body: (Chunk) throws -> Bool) throws {
        let query = try statement(
            """
            SELECT first_offset, entries, arena FROM \(table)
            WHERE first_offset >= coalesce((SELECT max(first_offset) FROM \(table) WHERE first_offset <= ?1), ?1)
            ORDER BY first_offset
            """)
        try query([.integer(offset)]) { row in
            while try row.step() {
                let chunk = Chunk(first: row.integer(0), entries: row.bytes(1), arena: row.bytes(2))
                guard try body(chunk) else { return }
            }
        }
    }

    /// The offset behind the last record of a table; nil if it has none.
    func end(of table: String) throws -> Int64? {
        let query = try statement(
            "SELECT first_offset, entries, arena FROM \(table) ORDER BY first_offset DESC LIMIT 1")
        return try query([]) { row in
            guard try row.step() else { return nil }
            var end: Int64?
            try Chunk(first: row.integer(0), entries: row.bytes(1), arena: row.bytes(2)).forEach { entry in
                end = entry.offset + 1
                return true
            }
            return end
        }
    }

    /// A group's committed offsets, by partition.
    func committed(_ group: String, topic: Int64) throws -> [Int: Int64] {
        let query = try statement("SELECT part, next_offset FROM committed WHERE consumers = ? AND topic = ?")
        return try query([.text(group), .integer(topic)]) { row in
            var offsets: [Int: Int64] = [:]
            while try row.step() { offsets[Int(row.integer(0))] = row.integer(1) }
            return offsets
        }
    }
}
