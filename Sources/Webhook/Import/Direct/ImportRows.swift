import ByteJSON
import Common
import Rows

/// The rows of an import as raw events, and the count of them.
///
/// Used by one task.
final class ImportRows {
    /// What became of the rows.
    struct Summary {
        var rows = 0
        /// Rows that cannot be read: they are on the log as they are, and the parser makes dead letters of them.
        var malformed = 0
        /// The first of them.
        var errors: [(row: Int, line: Int, reason: String)] = []
    }

    private static let maximumErrors = 20
    private static let maximumBatchBytes = 1 << 20

    private(set) var summary = Summary()
    private let key: String
    private let firstRow: Int
    private let headers: RecordHeaders
    private var batch = RecordBatch()

    init(key: String, firstRow: Int, headers: RecordHeaders) {
        self.key = key
        self.firstRow = firstRow
        self.headers = headers
    }

    func add(_ row: Row, of reader: RowReader) {
        let number = firstRow + row.number - 1
        let delivery = "\(key):\(number)"
        var headers = headers
        headers.append(RawHeader.delivery, delivery)
        summary.rows += 1
        do throws(RowFault) {
            batch.append(key: delivery, headers: headers, value: try reader.json(of: row))
        } catch {
            summary.malformed += 1
            if summary.errors.count < Self.maximumErrors {
                summary.errors.append((number, row.line, error.description))
            }
            batch.append(key: delivery, headers: headers, value: row.text)
        }
    }

    func isBatchFull(_ rows: Int) -> Bool { batch.count >= rows || batch.arena.count >= Self.maximumBatchBytes }

    /// What was added since the last time.
    func takeBatch() -> RecordBatch {
        defer { batch = RecordBatch() }
        return batch
    }
}

extension ImportRows.Summary {
    func json(key: String, bytes: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("key", key)
        writer.member("rows", rows)
        writer.member("accepted", rows - malformed)
        writer.member("malformed", malformed)
        writer.member("bytes", bytes)
        writer.key("errors")
        writer.beginArray()
        for error in errors {
            writer.beginObject()
            writer.member("row", error.row)
            writer.member("line", error.line)
            writer.member("reason", error.reason)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}
