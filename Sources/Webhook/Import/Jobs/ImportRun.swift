import ByteJSON
import Common
import Connectors
import Logging
import Rows
import ServiceKit

/// Puts the rows of an import on the log, or tries them: the step of a job.
///
/// Rows go on the log in batches; behind some of them the import keeps how far it is, in one transaction with the rows that
/// cannot be read. Whoever goes on reads the log behind that place, so that no row is put there twice.
struct ImportRun: Sendable {
    let imports: ImportStore
    let log: any EventLog
    let directory: Directory
    let connectors: ConnectorRegistry
    let settings: ImportSettings
    let now: @Sendable () -> Timestamp
    let count: @Sendable (_ accepted: Int, _ bad: Int, _ bytes: Int) -> Void

    func run(_ context: JobContext) async throws -> StepResult {
        guard let id = context.job.payload["import_id"]?.string.flatMap({ ImportID($0) }) else {
            throw JobFailure.defect("the job names no import")
        }
        let runner = "\(context.job.id) \(context.attemptName)"
        do {
            var record = try await imports.takeUp(id, runner: runner, job: context.job.id)
            let plan = try ImportPlan(record.stream, in: directory.current, connectors)
            let source = try await imports.source(of: record)
            if record.dialect == nil {
                let preview = try await ImportPreview.make(of: source, record, plan: plan, settings: settings)
                record.dialect = preview.dialect
                record.mapping = preview.mapping
            }
            if record.progress.starts.isEmpty {
                record.progress.starts = try await ends()
                record.progress.ends = record.progress.starts
            }
            record = try await imports.keep(record, runner: runner)
            try await work(record, plan, source, runner: runner, context)
            return StepResult(["import_id": .string(id.rawValue)])
        } catch {
            let failure = Self.failure(error)
            if case .rejected(let reason) = failure {
                try await imports.fail(id, runner: runner, reason: reason)
            }
            throw failure ?? error
        }
    }

    /// What an error of a file means to its import.
    private static func failure(_ error: any Error) -> JobFailure? {
        switch error {
        case let error as JobFailure: error
        case let error as FileStorageError:
            switch error {
            case .full, .overQuota, .refused, .damaged, .notFound: .rejected("\(error)")
            case .unavailable(let reason, let after): .unavailable(reason, retryAfter: after)
            case .cancelled: nil
            }
        case let error as SourceError:
            switch error {
            case .refused(let reason): .rejected(reason)
            case .unavailable(let reason): .unavailable(reason)
            }
        case is MappingError, is PackingError: .rejected("\(error)")
        default: nil
        }
    }

    /// Where each partition of the log ends.
    func ends() async throws -> [Int64] {
        var ends: [Int64] = []
        for bounds in try await log.bounds(of: .raw).sorted(by: { $0.partition < $1.partition }) {
            ends.append(bounds.end)
        }
        return ends
    }

    private func work(
        _ record: ImportRecord, _ plan: ImportPlan, _ source: SourceBytes, runner: String, _ context: JobContext
    ) async throws {
        let place = record.progress.place
        let bytes = try await PackingError.translate {
            try await UnpackedBytes(
                source, from: place?.sourceOffset ?? 0, maximumRatio: settings.maximumRatio,
                maximumBytes: settings.maximumUnpackedBytes)
        }
        let reader =
            place.map {
                RowReader(
                    resuming: $0, isThere: bytes.packing == .none && $0.sourceOffset != nil,
                    maximumRowBytes: settings.maximumRowBytes)
            }
            ?? RowReader(dialect: record.dialect ?? RowDialect(format: .csv), maximumRowBytes: settings.maximumRowBytes)
        let work = ImportWork(
            run: self, record: record, runner: runner, context: context, size: source.size, bytes: bytes,
            reader: reader,
            judge: RowJudge(mapper: try plan.mapper(record.mapping), mapping: record.mapping),
            headers: plan.headers(record), known: record.isDryRun ? [] : try await rowsOnTheLog(of: record))
        try await work.run()
    }

    /// Numbers of rows behind the last checkpoint that are on the log.
    private func rowsOnTheLog(of record: ImportRecord) async throws -> Set<Int> {
        var rows: Set<Int> = []
        for bounds in try await log.bounds(of: .raw) {
            guard bounds.partition < record.progress.ends.count else { continue }
            var at = max(bounds.first, record.progress.ends[bounds.partition])
            var left = settings.recordsReadAtResume
            while at < bounds.end, left > 0 {
                let batch = try await log.read(.raw, partition: bounds.partition, from: at, limit: 1000)
                guard !batch.isEmpty else { break }
                for i in 0..<batch.count {
                    if let row = ImportedEvent(batch.headers(at: i), of: record.id), !row.isWithdrawal {
                        rows.insert(row.row)
                    }
                }
                at = batch.offset(at: batch.count - 1) + 1
                left -= batch.count
            }
        }
        return rows
    }
}
