import Common

/// Collects records of one partition for one row of its table.
///
/// An entry is 24 bytes, little endian: offset behind the chunk's first (4), key length (4, -1 is null),
/// timestamp (8), length of the headers (4), value length (4, -1 is null). The arena holds the entries' keys,
/// headers and values, one after another.
struct ChunkBuilder {
    static let entrySize = 24
    /// A chunk is as much as is worth reading at once.
    private static let fullAtRecords = 512
    private static let fullAtBytes = 512 << 10

    private(set) var first: Int64 = 0
    private(set) var count = 0
    /// The newest timestamp, for retention.
    private(set) var newest = Int64.min
    private(set) var entries: [UInt8] = []
    private(set) var arena: [UInt8] = []

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count >= Self.fullAtRecords || arena.count >= Self.fullAtBytes }

    /// Adds the record `index` of a batch at an offset above those that are in.
    mutating func add(_ entry: RecordBatch.Entry, of source: UnsafeRawBufferPointer, offset: Int64, timestamp: Int64) {
        if count == 0 { first = offset }
        count += 1
        newest = max(newest, timestamp)
        withUnsafeTemporaryAllocation(byteCount: Self.entrySize, alignment: 8) { buffer in
            buffer.storeBytes(of: UInt32(truncatingIfNeeded: offset - first).littleEndian, as: UInt32.self)
            buffer.storeBytes(of: Int32(entry.keyLength).littleEndian, toByteOffset: 4, as: Int32.self)
            buffer.storeBytes(of: timestamp.littleEndian, toByteOffset: 8, as: Int64.self)
            buffer.storeBytes(of: Int32(entry.headersLength).littleEndian, toByteOffset: 16, as: Int32.self)
            buffer.storeBytes(of: Int32(entry.valueLength).littleEndian, toByteOffset: 20, as: Int32.self)
            entries.append(contentsOf: buffer)
        }
        arena.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[entry.start..<entry.start + entry.length]))
    }

    /// Starts an empty chunk; the buffers are kept unless one large record blew them up.
    mutating func clear() {
        count = 0
        newest = .min
        entries.removeAll(keepingCapacity: true)
        arena.removeAll(keepingCapacity: arena.capacity <= 2 * Self.fullAtBytes)
    }
}

/// A row of a partition's table, as it lies in SQLite's memory until the next step.
struct Chunk {
    let first: Int64
    let entries: UnsafeRawBufferPointer
    let arena: UnsafeRawBufferPointer

    var count: Int { entries.count / ChunkBuilder.entrySize }

    /// The records in their order; `start` counts from the chunk's arena.
    ///
    /// - Throws: ``EventLogError/corrupt(_:)`` if the lengths do not fit the arena.
    func forEach(_ body: (RecordBatch.Entry) throws -> Bool) throws {
        var start = 0
        for at in stride(from: 0, to: count * ChunkBuilder.entrySize, by: ChunkBuilder.entrySize) {
            let entry = RecordBatch.Entry(
                offset: first + Int64(UInt32(littleEndian: entries.loadUnaligned(fromByteOffset: at, as: UInt32.self))),
                timestamp: Int64(littleEndian: entries.loadUnaligned(fromByteOffset: at + 8, as: Int64.self)),
                start: start,
                keyLength: Int(Int32(littleEndian: entries.loadUnaligned(fromByteOffset: at + 4, as: Int32.self))),
                headersLength: Int(Int32(littleEndian: entries.loadUnaligned(fromByteOffset: at + 16, as: Int32.self))),
                valueLength: Int(Int32(littleEndian: entries.loadUnaligned(fromByteOffset: at + 20, as: Int32.self))))
            guard entry.headersLength >= 0, start + entry.length <= arena.count else {
                throw EventLogError.corrupt("the record at offset \(entry.offset) is longer than its chunk")
            }
            start += entry.length
            guard try body(entry) else { return }
        }
    }
}

extension RecordBatch {
    /// Adds a record of a chunk.
    mutating func append(_ entry: Entry, of arena: UnsafeRawBufferPointer) {
        var moved = entry
        moved.start = self.arena.count
        self.arena.append(
            contentsOf: UnsafeRawBufferPointer(rebasing: arena[entry.start..<entry.start + entry.length]))
        entries.append(moved)
    }
}
