import Common
import Compression
import HTTPTypes
import Rows
import ServiceKit

/// A file that comes in pieces, compressed or not, as batches of raw events.
///
/// Used by one task.
final class ImportedFile {
    /// Bytes of one step out of a compressed file: they are in memory at once.
    private static let stepBytes = 256 << 10
    /// The first bytes of an archive; what is in it is said at its end, which has not come yet.
    private static let zip: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    let rows: ImportRows
    /// Bytes that came so far.
    private(set) var bytes = 0
    private let encoding: ContentEncoding
    private let settings: WebhookSettings
    private var reader: RowReader
    private var inflater: Inflater?
    private var head: [UInt8] = []
    private var isStarted = false
    private var isFinished = false

    init(encoding: ContentEncoding, format: RowFormat?, settings: WebhookSettings, rows: ImportRows) {
        self.encoding = encoding
        self.settings = settings
        self.rows = rows
        reader = RowReader(format: format, maximumRowBytes: settings.maximumRowBytes)
    }

    func feed(_ piece: some Collection<UInt8>) throws {
        bytes += piece.count
        if isStarted {
            pass(piece)
        } else {
            head.append(contentsOf: piece)
            if head.count >= Self.zip.count { try start() }
        }
    }

    /// Says that no bytes follow.
    func finish() throws {
        if !isStarted { try start() }
        isFinished = true
        if inflater == nil { reader.finish() }
    }

    /// The next full batch, or nil when what came so far holds none.
    func nextBatch() throws -> RecordBatch? {
        repeat {
            while let row = reader.next() {
                rows.add(row, of: reader)
                if rows.isBatchFull(settings.rowsPerBatch) { return rows.takeBatch() }
            }
        } while try inflateStep()
        return nil
    }

    /// Compressed files are known by their first bytes, whatever their headers say.
    ///
    /// - Throws: ``Problem`` 415 for an archive.
    private func start() throws {
        guard !head.starts(with: Self.zip) else {
            throw Problem(
                .unsupportedMediaType, code: "archive",
                "a zip archive cannot be read while it is sent: make an import of it (POST /v1/imports), or send gzip")
        }
        isStarted = true
        if let format = CompressionFormat.detect(head) ?? (head.isEmpty ? nil : encoding.format(of: head)) {
            inflater = try Inflater(
                format, limits: InflateLimits(maximumBytes: 1 << 40, maximumRatio: settings.maximumRatio))
        }
        pass(head)
        head = []
    }

    private func pass(_ piece: some Collection<UInt8>) {
        if inflater == nil { reader.feed(piece) } else { inflater?.feed(piece) }
    }

    /// - Returns: Whether the reader got more bytes, or the end.
    private func inflateStep() throws -> Bool {
        guard inflater != nil else { return false }
        var output: [UInt8] = []
        try inflater?.read(atMost: Self.stepBytes, into: &output)
        if !output.isEmpty {
            reader.feed(output)
            return true
        }
        guard isFinished else { return false }
        try inflater?.finish()
        inflater = nil
        reader.finish()
        return true
    }
}
