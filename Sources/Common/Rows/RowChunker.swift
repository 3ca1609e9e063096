/// Some rows of a text that stand for themselves: a CSV header in front, whole rows behind it.
public struct RowChunk: Sendable, Hashable {
    /// Number of the first row in the whole text, from 1.
    public let firstRow: Int
    public let rows: Int
    public let bytes: [UInt8]
}

/// Cuts a text of any size into chunks of whole rows, in memory for one chunk.
///
/// A reader finds in the chunks the rows that it would find in the whole text, under the same numbers.
public struct RowChunker: Sendable {
    private var reader: RowReader
    private let chunkBytes: Int
    private var bytes: [UInt8] = []
    private var rows = 0
    private var next = 1
    /// A row that cannot be read stands in a chunk of its own, so that it leaves the others alone.
    private var faulty: RowChunk?
    private var isFinished = false

    /// - Parameter chunkBytes: A chunk ends with the row that reaches it.
    public init(format: RowFormat? = nil, chunkBytes: Int = 512 << 10, maximumRowBytes: Int = 1 << 20) {
        reader = RowReader(format: format, maximumRowBytes: maximumRowBytes)
        self.chunkBytes = chunkBytes
    }

    /// How the rows are written; nil before the first bytes showed it.
    public var format: RowFormat? { reader.format }

    /// Adds bytes behind those that were not read yet.
    public mutating func feed(_ bytes: some Collection<UInt8>) { reader.feed(bytes) }

    /// Says that no bytes follow.
    public mutating func finish() {
        reader.finish()
        isFinished = true
    }

    /// The next chunk; nil: feed more, or that was all.
    public mutating func nextChunk() -> RowChunk? {
        if let faulty {
            self.faulty = nil
            return faulty
        }
        while let row = reader.next() {
            guard row.fault == nil else {
                let alone = RowChunk(firstRow: row.number, rows: 1, bytes: framed([row.text]))
                guard rows > 0 else {
                    next = row.number + 1
                    return alone
                }
                faulty = alone
                defer { next = row.number + 1 }
                return cut()
            }
            if bytes.isEmpty { bytes = framed([]) }
            bytes.append(contentsOf: row.text)
            bytes.append(0x0A)
            rows += 1
            if bytes.count >= chunkBytes { return cut() }
        }
        return isFinished && rows > 0 ? cut() : nil
    }

    private mutating func cut() -> RowChunk {
        defer {
            next += rows
            rows = 0
            bytes = []
        }
        return RowChunk(firstRow: next, rows: rows, bytes: bytes)
    }

    /// Rows behind the header, if there is one.
    private func framed(_ texts: [ArraySlice<UInt8>]) -> [UInt8] {
        var bytes: [UInt8] = []
        for text in (reader.header == nil ? [] : [reader.headerText[...]]) + texts {
            bytes.append(contentsOf: text)
            bytes.append(0x0A)
        }
        return bytes
    }
}
