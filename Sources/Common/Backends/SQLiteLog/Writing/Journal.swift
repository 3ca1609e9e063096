import Common
import Foundation

/// Where small groups of appends are made durable before they go into the tables: one file, written from its start
/// again and again.
///
/// SQLite writes whole pages of every partition that a commit touches, which under a flood of small appends costs more
/// than all else that is done for them. Here a group is one write and one sync; the tables get many groups in one
/// transaction, after which the file begins anew.
///
/// A frame is 24 bytes, little endian: mark (4), length of what follows (4), sequence (8), checksum (8); then its
/// records. A record is 40 bytes: topic (4), partition (4), offset (8), timestamp (8), lengths of key and value (4 each,
/// -1 is null), of the headers (4), zero (4); then key, headers and value. Sequences count up by one, so that what is
/// left from an earlier turn is not taken for the end of this one. The checksum tells a frame that was cut off by a
/// crash; it is no protection against malice.
///
/// It belongs to one thread at a time.
final class Journal: @unchecked Sendable {
    /// A group that is larger goes into the tables at once.
    static let groupBytes = 256 << 10
    private static let capacity = 4 << 20
    private static let headerSize = 24
    private static let recordSize = 40
    private static let mark: UInt32 = 0x314A_5345  // "ESJ1"

    private let path: String
    private let descriptor: Int32
    private var end = 0
    private var sequence: UInt64 = 0
    /// The frame that is being made.
    private var frame: [UInt8] = []

    /// Opens the journal of a folder, or makes it.
    init(folder: String) throws {
        path = folder + "/log.journal"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("cannot open", path) }
        guard lseek(descriptor, 0, SEEK_END) < off_t(Self.capacity) else { return }
        try clear()
        // So that the name is on the disk as well.
        let directory = open(folder, O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            Foundation.close(directory)
        }
    }

    deinit { Foundation.close(descriptor) }

    // MARK: Writing

    /// Adds a record to the frame.
    func add(
        _ entry: RecordBatch.Entry, of arena: UnsafeRawBufferPointer, topic: Int64, partition: Int, offset: Int64,
        timestamp: Int64
    ) {
        if frame.isEmpty { frame.append(contentsOf: repeatElement(0, count: Self.headerSize)) }
        withUnsafeTemporaryAllocation(byteCount: Self.recordSize, alignment: 8) { head in
            head.storeBytes(of: Int32(topic).littleEndian, as: Int32.self)
            head.storeBytes(of: Int32(partition).littleEndian, toByteOffset: 4, as: Int32.self)
            head.storeBytes(of: offset.littleEndian, toByteOffset: 8, as: Int64.self)
            head.storeBytes(of: timestamp.littleEndian, toByteOffset: 16, as: Int64.self)
            head.storeBytes(of: Int32(entry.keyLength).littleEndian, toByteOffset: 24, as: Int32.self)
            head.storeBytes(of: Int32(entry.valueLength).littleEndian, toByteOffset: 28, as: Int32.self)
            head.storeBytes(of: Int32(entry.headersLength).littleEndian, toByteOffset: 32, as: Int32.self)
            head.storeBytes(of: 0, toByteOffset: 36, as: Int32.self)
            frame.append(contentsOf: head)
        }
        frame.append(contentsOf: UnsafeRawBufferPointer(rebasing: arena[entry.start..<entry.start + entry.length]))
    }

    /// Whether a group of this size still fits.
    func hasRoom(forRecords count: Int, bytes: Int) -> Bool {
        end + Self.headerSize + count * Self.recordSize + bytes <= Self.capacity
    }

    /// Writes the frame; when this returns, it is on the disk.
    func commit() throws {
        defer { frame.removeAll(keepingCapacity: true) }
        let sequence = sequence + 1
        frame.withUnsafeMutableBytes { frame in
            frame.storeBytes(of: Self.mark.littleEndian, as: UInt32.self)
            frame.storeBytes(
                of: UInt32(frame.count - Self.headerSize).littleEndian, toByteOffset: 4, as: UInt32.self)
            frame.storeBytes(of: sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
            let body = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(frame)[Self.headerSize...])
            frame.storeBytes(
                of: Self.checksum(of: body, sequence).littleEndian, toByteOffset: 16, as: UInt64.self)
        }
        try frame.withUnsafeBytes { try write($0, at: end) }
        end += frame.count
        self.sequence = sequence
    }

    /// Begins anew: everything that was committed is in the tables.
    func reset() { end = 0 }

    /// Overwrites the file with zeros.
    ///
    /// It gets its whole length at once, because a write that makes a file longer costs a second one of its metadata.
    private func clear() throws {
        try [UInt8](repeating: 0, count: Self.capacity).withUnsafeBytes { try write($0, at: 0) }
        end = 0
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("cannot write", path) }
            done += count
        }
        guard fdatasync(descriptor) == 0 else { throw Self.failure("cannot sync", path) }
    }

    // MARK: Reading

    /// A record that was found.
    struct Found {
        let topic: Int64
        let partition: Int
        /// `start` counts from the bytes that are handed out with it.
        let entry: RecordBatch.Entry
    }

    /// Hands out the records of all whole frames in their order, then clears the file.
    ///
    /// - Parameter body: Returns when what it was given is safe elsewhere.
    func recover(_ body: ([Found], UnsafeRawBufferPointer) throws -> Void) throws {
        var bytes = [UInt8](repeating: 0, count: Self.capacity)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw Self.failure("cannot read", path) }
        guard bytes.prefix(Self.headerSize).contains(where: { $0 != 0 }) else { return }
        try bytes.withUnsafeBytes { try body(Self.records(in: $0), $0) }
        try clear()
    }

    private static func records(in bytes: UnsafeRawBufferPointer) -> [Found] {
        var found: [Found] = []
        var at = 0
        var last: UInt64?
        while at + headerSize <= bytes.count {
            let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)))
            let sequence = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self))
            let sum = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self))
            let start = at + headerSize
            guard UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) == mark,
                last.map({ sequence == $0 + 1 }) ?? true, length <= bytes.count - start,
                checksum(of: UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]), sequence) == sum
            else { break }
            appendRecords(in: bytes, from: start, to: start + length, &found)
            last = sequence
            at = start + length
        }
        return found
    }

    private static func appendRecords(
        in bytes: UnsafeRawBufferPointer, from start: Int, to end: Int, _ found: inout [Found]
    ) {
        var at = start
        func number(_ offset: Int) -> Int {
            Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + offset, as: Int32.self)))
        }
        while at + recordSize <= end {
            let entry = RecordBatch.Entry(
                offset: Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 8, as: Int64.self)),
                timestamp: Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 16, as: Int64.self)),
                start: at + recordSize, keyLength: number(24), headersLength: number(32), valueLength: number(28))
            found.append(Found(topic: Int64(number(0)), partition: number(4), entry: entry))
            at += recordSize + entry.length
        }
    }

    private static func checksum(of bytes: UnsafeRawBufferPointer, _ sequence: UInt64) -> UInt64 {
        var sum = sequence ^ UInt64(truncatingIfNeeded: bytes.count)
        func mix(_ word: UInt64) {
            sum = (sum ^ word) &* 0x9E37_79B9_7F4A_7C15
            sum ^= sum >> 29
        }
        var at = 0
        while at + 8 <= bytes.count {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
            at += 8
        }
        while at < bytes.count {
            mix(UInt64(bytes[at]))
            at += 1
        }
        return sum
    }

    private static func failure(_ action: String, _ path: String) -> EventLogError {
        .unavailable("\(action) \(path): \(String(cString: strerror(errno)))")
    }
}

extension LogConnection {
    /// Brings the records that only the journal had into the tables.
    func restore(_ found: [Journal.Found], of bytes: UnsafeRawBufferPointer) throws {
        var appenders: [Int64: TopicAppender] = [:]
        for topic in try LogSchema.topics(in: self) {
            let appender = TopicAppender()
            appender.begin(at: topic)
            appenders[topic.id] = appender
        }
        for record in found {
            guard let appender = appenders[record.topic] else {
                throw EventLogError.corrupt("the journal has records of a topic that log.sqlite does not know")
            }
            try appender.restore(record, of: bytes)
        }
        try transaction { for appender in appenders.values { try appender.write(to: self) } }
    }
}
