import Common
import Compression
import Connectors
import Rows
import ServiceKit

/// One attempt's way through the rows of a file.
///
/// Used by one task.
final class ImportWork {
    private let run: ImportRun
    private let record: ImportRecord
    private let runner: String
    private let context: JobContext
    private let size: Int
    private let bytes: UnpackedBytes
    private var reader: RowReader
    private let judge: RowJudge
    private let headers: RecordHeaders
    /// Numbers of rows that are on the log already.
    private let known: Set<Int>

    private var progress: ImportRecord.Progress
    private var batch = RecordBatch()
    private var rowsInHand = 0
    /// Bad rows since the last checkpoint.
    private var bad: [BadRow] = []
    /// The batch that is being written while the next one is read.
    private var writing: Task<Void, any Error>?
    private let begun = ContinuousClock.now
    private var kept = ContinuousClock.now

    init(
        run: ImportRun, record: ImportRecord, runner: String, context: JobContext, size: Int, bytes: UnpackedBytes,
        reader: RowReader, judge: RowJudge, headers: RecordHeaders, known: Set<Int>
    ) {
        self.run = run
        self.record = record
        self.runner = runner
        self.context = context
        self.size = size
        self.bytes = bytes
        self.reader = reader
        self.judge = judge
        self.headers = headers
        self.known = known
        progress = record.progress
    }

    /// Reads all rows that are left, and keeps how far it is.
    func run() async throws {
        do {
            while let piece = try await PackingError.translate({ try await self.bytes.next() }) {
                reader.feed(piece)
                try await takeRows()
            }
            reader.finish()
            try await takeRows()
            try await keep(isLast: true)
        } catch {
            // What is on its way is on the log before somebody else looks what is there.
            _ = await writing?.result
            throw error
        }
    }

    private func takeRows() async throws {
        while let row = reader.next() {
            take(row)
            guard rowsInHand >= run.settings.rowsPerBatch || batch.arena.count >= 1 << 20 else { continue }
            try await flush()
            guard progress.bad < run.settings.maximumBadRows else {
                try await keep()
                throw JobFailure.rejected(
                    "\(progress.bad) rows cannot be read: look at the preview, mend the mapping or the file")
            }
            if context.isStopped {
                try await keep()
                throw CancellationError()
            }
            if (ContinuousClock.now - kept).seconds >= run.settings.checkpointSeconds { try await keep() }
        }
    }

    private func take(_ row: Row) {
        progress.rows += 1
        rowsInHand += 1
        var headers = headers
        let delivery = "\(record.key):\(row.number)"
        headers.append(RawHeader.delivery, delivery)
        switch judge.verdict(on: row, of: reader, headers: headers) {
        case .good(let json, let isLeftOut):
            progress.accepted += 1
            if isLeftOut { progress.leftOut += 1 }
            guard !record.isDryRun, !known.contains(row.number) else { return }
            batch.append(key: delivery, headers: headers, value: json)
        case .bad(let row):
            progress.bad += 1
            bad.append(row)
        }
    }

    /// Has the rows in hand written; the ones before are on the log then.
    private func flush() async throws {
        try await settle()
        let batch = batch
        self.batch = RecordBatch()
        rowsInHand = 0
        guard !batch.isEmpty else { return }
        writing = Task { [log = run.log] in try await log.append(batch, to: .raw) }
    }

    private func settle() async throws {
        try await writing?.value
        writing = nil
    }

    /// Keeps how far it is: all rows before are on the log.
    private func keep(isLast: Bool = false) async throws {
        try await flush()
        try await settle()
        let (rows, accepted) = (progress.rows, progress.accepted)
        progress.place = reader.checkpoint ?? progress.place
        let position = isLast ? size : min(bytes.position, size)
        progress.seconds = record.progress.seconds + (ContinuousClock.now - begun).seconds
        progress.bytes = max(progress.bytes, position)
        if !record.isDryRun { progress.ends = try await run.ends() }
        try await run.imports.keep(progress, bad: bad, of: record.id, runner: runner, isLast: isLast)
        run.count(accepted - counted.accepted, bad.count, progress.bytes - counted.bytes)
        counted = (accepted, progress.bytes)
        bad = []
        kept = .now
        context.report(Double(progress.bytes) / Double(max(1, size)), "\(rows) rows")
    }

    /// What the metrics know.
    private lazy var counted = (accepted: record.progress.accepted, bytes: record.progress.bytes)
}

/// What is wrong with how a file is packed.
struct PackingError: Error, CustomStringConvertible {
    let description: String

    /// Runs `body`, whose errors of packing become this one.
    static func translate<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as CompressionError {
            throw PackingError(description: error.description)
        } catch let error as ZipError {
            throw PackingError(description: error.description)
        }
    }
}

/// An event of the raw topic that came with an import.
struct ImportedEvent {
    let row: Int
    /// Whether it takes a row back.
    let isWithdrawal: Bool

    init?(_ headers: RecordHeaders, of id: ImportID) {
        guard let named = headers.bytes(RawHeader.importID), named.elementsEqual(id.rawValue.utf8),
            let delivery = headers.bytes(RawHeader.delivery), headers.bytes(RawHeader.replayOf) == nil,
            let colon = delivery.lastIndex(of: UInt8(ascii: ":")),
            let row = Int(String(decoding: delivery[(colon + 1)...], as: UTF8.self))
        else { return nil }
        self.row = row
        isWithdrawal = headers.bytes(RawHeader.withdraws) != nil
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
