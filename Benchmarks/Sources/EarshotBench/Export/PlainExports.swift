import Foundation
import GRDBSQLite
import Glibc

/// A loop over the rows of a statement, by the C interface of SQLite, into a buffered file.
struct SQLitePlainExport: PlainExport {
    let path: String
    let name = "SQLite's C interface"

    func prepare() throws {}

    func write(_ format: String, to file: String, rows: Int) throws -> Double {
        var connection: OpaquePointer?
        defer { sqlite3_close(connection) }
        guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READONLY, nil) == SQLITE_OK, let output = fopen(file, "w")
        else { throw BenchmarkFailure(what: "cannot open \(path)") }
        defer { fclose(output) }
        let begun = ContinuousClock.now
        var statement: OpaquePointer?
        let columns =
            format == "csv"
            ? Self.columns.map { "json_extract(CAST(document AS TEXT), '$.\($0)')" }.joined(separator: ", ")
            : "document"
        let sql = "SELECT \(columns) \(Self.from)"
        guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw BenchmarkFailure(what: "\(String(cString: sqlite3_errmsg(connection))) in \(sql)")
        }
        defer { sqlite3_finalize(statement) }
        let count = sqlite3_column_count(statement)
        var found = 0
        while sqlite3_step(statement) == SQLITE_ROW {
            for column in 0..<count {
                if column > 0 { putc_unlocked(0x2C, output) }
                let isText = sqlite3_column_type(statement, column) == SQLITE_TEXT
                guard let bytes = sqlite3_column_blob(statement, column) else { continue }
                let length = Int(sqlite3_column_bytes(statement, column))
                if isText,
                    memchr(bytes, 0x22, length) != nil || memchr(bytes, 0x2C, length) != nil
                        || memchr(bytes, 0x0A, length) != nil
                {
                    Self.putQuoted(UnsafeRawBufferPointer(start: bytes, count: length), output)
                } else {
                    fwrite(bytes, 1, length, output)
                }
            }
            putc_unlocked(0x0A, output)
            found += 1
        }
        fflush(output)
        fsync(fileno(output))
        guard found == rows else { throw BenchmarkFailure(what: "\(found) rows, not \(rows)") }
        return (ContinuousClock.now - begun).inSeconds
    }

    private static func putQuoted(_ bytes: UnsafeRawBufferPointer, _ output: UnsafeMutablePointer<FILE>) {
        putc_unlocked(0x22, output)
        for byte in bytes {
            if byte == 0x22 { putc_unlocked(0x22, output) }
            putc_unlocked(CInt(byte), output)
        }
        putc_unlocked(0x22, output)
    }

    static let from = """
        FROM fact JOIN feedback ON feedback.id = fact.feedback WHERE fact.workspace = 1000000 AND fact.merged = 0
        ORDER BY fact.timestamp, fact.feedback
        """

    /// Where the columns of an export are in a document.
    static let columns = [
        "unique_identifier", "context_info.timestamp", "core_attributes.source_info.source",
        "core_attributes.source_info.stream_id", "core_attributes.language", "conversation_attributes.sentiment_type",
        "conversation_attributes.sentiment_score", "conversation_attributes.intent", "conversation_attributes.topics",
        "review_attributes.rating", "review_attributes.rating_scale", "review_attributes.product_version",
        "review_attributes.platform", "user_attributes.country", "core_attributes.title", "core_attributes.text",
        "core_attributes.url",
    ]
}

/// `COPY (query) TO STDOUT` into a file.
struct PostgresPlainExport: PlainExport {
    let database: ScratchDatabase
    let name = "COPY"

    func prepare() throws { try database.run("ANALYZE feedback, fact") }

    func write(_ format: String, to file: String, rows: Int) throws -> Double {
        let columns =
            format == "csv"
            ? SQLitePlainExport.columns.map { "d #>> '{\($0.replacingOccurrences(of: ".", with: ","))}'" }
                .joined(separator: ", ") : "d"
        let document = format == "csv" ? "convert_from(document, 'UTF8')::jsonb" : "convert_from(document, 'UTF8')"
        let from = SQLitePlainExport.from.replacingOccurrences(of: "\n", with: " ")
        let query = "SELECT \(columns) FROM (SELECT \(document) AS d \(from)) AS one"
        let begun = ContinuousClock.now
        try database.run("\\copy (\(query)) TO '\(file)'\(format == "csv" ? " (FORMAT csv)" : "")")
        guard let handle = FileHandle(forReadingAtPath: file) else { throw BenchmarkFailure(what: "no \(file)") }
        fsync(handle.fileDescriptor)
        let seconds = (ContinuousClock.now - begun).inSeconds
        let found = try FileHandle(forReadingFrom: URL(fileURLWithPath: file)).lines()
        guard found == rows else { throw BenchmarkFailure(what: "\(found) rows, not \(rows)") }
        return seconds
    }
}

extension FileHandle {
    /// How many line feeds there are.
    fileprivate func lines() throws -> Int {
        var count = 0
        while let data = try read(upToCount: 1 << 20), !data.isEmpty {
            count += data.reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
        }
        return count
    }
}
