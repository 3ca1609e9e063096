/// A batch of log records: one byte arena and offsets into it.
///
/// The unit of work everywhere: about a thousand records cross a task, a thread or a disk at once.
public struct RecordBatch: Sendable {
    /// Keys, headers and values, one after another.
    public package(set) var arena: [UInt8] = []
    /// One a record; for backends, which move records without looking into them.
    package var entries: [Entry] = []

    /// Where a record lies in the arena: key, headers and value follow each other.
    package struct Entry: Sendable {
        /// Offset in the partition; -1 before the record was appended.
        package var offset: Int64
        /// When it was appended, in milliseconds since 1970; 0 before, unless the producer said.
        package var timestamp: Int64
        package var start: Int
        /// -1 is null.
        package var keyLength: Int
        package var headersLength: Int
        /// -1 is null: a tombstone.
        package var valueLength: Int

        package init(
            offset: Int64, timestamp: Int64, start: Int, keyLength: Int, headersLength: Int, valueLength: Int
        ) {
            self.offset = offset
            self.timestamp = timestamp
            self.start = start
            self.keyLength = keyLength
            self.headersLength = headersLength
            self.valueLength = valueLength
        }

        /// Bytes of key, headers and value.
        package var length: Int { max(0, keyLength) + headersLength + max(0, valueLength) }
    }

    public init() {}

    /// Makes room for `records` records of `bytes` bytes in all.
    public mutating func reserveCapacity(records: Int, bytes: Int) {
        entries.reserveCapacity(records)
        arena.reserveCapacity(bytes)
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    /// Adds a record.
    ///
    /// - Parameters:
    ///   - key: Decides the partition and what compaction keeps; nil spreads records over the partitions.
    ///   - value: nil is a tombstone.
    ///   - timestamp: When it happened, for retention; 0 lets the log say when it was appended.
    public mutating func append(
        key: (some Collection<UInt8>)?, headers: RecordHeaders = RecordHeaders(), value: (some Collection<UInt8>)?,
        offset: Int64 = -1, timestamp: Timestamp = Timestamp(milliseconds: 0)
    ) {
        let start = arena.count
        if let key { arena.append(contentsOf: key) }
        let afterKey = arena.count
        arena.append(contentsOf: headers.encoded)
        let afterHeaders = arena.count
        if let value { arena.append(contentsOf: value) }
        entries.append(
            Entry(
                offset: offset, timestamp: timestamp.milliseconds, start: start,
                keyLength: key == nil ? -1 : afterKey - start, headersLength: afterHeaders - afterKey,
                valueLength: value == nil ? -1 : arena.count - afterHeaders))
    }

    /// Adds a record with a text key.
    public mutating func append(
        key: String?, headers: RecordHeaders = RecordHeaders(), value: (some Collection<UInt8>)?, offset: Int64 = -1,
        timestamp: Timestamp = Timestamp(milliseconds: 0)
    ) {
        append(key: key?.utf8, headers: headers, value: value, offset: offset, timestamp: timestamp)
    }

    /// Adds a record with a text key; for these types alone, because generic code costs more than the copying.
    public mutating func append(
        key: String?, headers: RecordHeaders = RecordHeaders(), value: [UInt8]?, offset: Int64 = -1,
        timestamp: Timestamp = Timestamp(milliseconds: 0)
    ) {
        append(key: key?.utf8, headers: headers, value: value, offset: offset, timestamp: timestamp)
    }

    /// Adds a tombstone: the key's last record, which removes it when the topic is compacted.
    public mutating func appendTombstone(key: String, headers: RecordHeaders = RecordHeaders()) {
        append(key: key, headers: headers, value: [UInt8]?.none)
    }

    public func offset(at index: Int) -> Int64 { entries[index].offset }
    public func timestamp(at index: Int) -> Timestamp { Timestamp(milliseconds: entries[index].timestamp) }

    public func key(at index: Int) -> ArraySlice<UInt8>? {
        let entry = entries[index]
        return entry.keyLength < 0 ? nil : arena[entry.start..<entry.start + entry.keyLength]
    }

    public func headers(at index: Int) -> RecordHeaders {
        let entry = entries[index]
        let start = entry.start + max(0, entry.keyLength)
        return RecordHeaders(encoded: arena[start..<start + entry.headersLength])
    }

    /// The value, or nil for a tombstone.
    public func value(at index: Int) -> ArraySlice<UInt8>? {
        let entry = entries[index]
        guard entry.valueLength >= 0 else { return nil }
        let start = entry.start + max(0, entry.keyLength) + entry.headersLength
        return arena[start..<start + entry.valueLength]
    }
}

/// A record's headers: names and values in their order, in one encoded block.
///
/// Encoding: for each header, name length (1 byte), name, value length (4 bytes, little endian), value.
public struct RecordHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// The block itself.
    public private(set) var encoded: ArraySlice<UInt8>

    public init() { encoded = [] }

    /// Wraps a block that ``encoded`` gave; an incomplete header at its end is left out.
    public init(encoded: ArraySlice<UInt8>) { self.encoded = encoded }

    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }

    /// Makes room for `bytes` bytes in all.
    public mutating func reserveCapacity(_ bytes: Int) { encoded.reserveCapacity(bytes) }

    /// - Precondition: The name is at most 255 bytes long.
    public mutating func append(_ name: String, _ value: String) {
        var value = value
        value.withUTF8 { append(name, $0) }
    }

    /// - Precondition: The name is at most 255 bytes long.
    public mutating func append(_ name: String, _ value: some Collection<UInt8>) {
        value.withContiguousStorageIfAvailable { append(name, $0) }
            ?? Array(value).withUnsafeBufferPointer { append(name, $0) }
    }

    private mutating func append(_ name: String, _ value: UnsafeBufferPointer<UInt8>) {
        var name = name
        name.withUTF8 { name in
            precondition(name.count <= 255, "header name longer than 255 bytes")
            encoded.append(UInt8(name.count))
            encoded.append(contentsOf: name)
        }
        withUnsafeBytes(of: UInt32(value.count).littleEndian) { encoded.append(contentsOf: $0) }
        encoded.append(contentsOf: value)
    }

    /// The first header of this name.
    public func bytes(_ name: String) -> ArraySlice<UInt8>? {
        var name = name
        var found: Range<Int>?
        name.withUTF8 { wanted in
            walk { block, header in
                guard header.name.count == wanted.count else { return true }
                for (at, byte) in zip(header.name, wanted) where block[at] != byte { return true }
                found = header.value
                return false
            }
        }
        return found.map { encoded[encoded.startIndex + $0.lowerBound..<encoded.startIndex + $0.upperBound] }
    }

    /// The first header of this name as text.
    public subscript(_ name: String) -> String? { bytes(name).map { String(decoding: $0, as: UTF8.self) } }

    /// All headers in their order.
    public var all: [(name: String, value: ArraySlice<UInt8>)] {
        var list: [(name: String, value: ArraySlice<UInt8>)] = []
        let start = encoded.startIndex
        walk { block, header in
            let name = String(decoding: UnsafeRawBufferPointer(rebasing: block[header.name]), as: UTF8.self)
            list.append((name, encoded[start + header.value.lowerBound..<start + header.value.upperBound]))
            return true
        }
        return list
    }

    /// Hands out each header's name, and where its value lies in ``encoded``, in their order.
    public func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: Range<Int>) -> Void) {
        let start = encoded.startIndex
        walk { block, header in
            body(
                UnsafeRawBufferPointer(rebasing: block[header.name]),
                start + header.value.lowerBound..<start + header.value.upperBound)
            return true
        }
    }

    /// Hands out where each header's name and value lie in the block, until `body` says it is enough.
    @inline(__always)
    private func walk(_ body: (UnsafeRawBufferPointer, (name: Range<Int>, value: Range<Int>)) -> Bool) {
        encoded.withUnsafeBytes { block in
            var at = 0
            while at < block.count {
                let nameEnd = at + 1 + Int(block[at])
                guard nameEnd + 4 <= block.count else { return }
                let length = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: nameEnd, as: UInt32.self))
                let valueEnd = nameEnd + 4 + Int(length)
                guard valueEnd <= block.count else { return }
                guard body(block, (at + 1..<nameEnd, nameEnd + 4..<valueEnd)) else { return }
                at = valueEnd
            }
        }
    }
}
