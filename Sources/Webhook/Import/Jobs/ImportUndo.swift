import ByteJSON
import Common
import ServiceKit

/// Takes back what an import brought: the step of a job.
///
/// The log is read from where the import began, and behind each of its rows goes the same event once more, which says that
/// it takes the first one back. Whoever keeps feedback then removes the item, if it is still what that row said. Doing it
/// twice changes nothing.
struct ImportUndo: Sendable {
    private static let batch = 1000

    let imports: ImportStore
    let log: any EventLog
    let now: @Sendable () -> Timestamp

    func run(_ context: JobContext) async throws -> StepResult {
        guard let id = context.job.payload["import_id"]?.string.flatMap({ ImportID($0) }) else {
            throw JobFailure.defect("the job names no import")
        }
        let runner = "\(context.job.id) \(context.attemptName)"
        let record = try await imports.takeUp(id, runner: runner, job: context.job.id)
        var undo = try await undo(record)
        let all = zip(undo.next, undo.ends).reduce(0) { $0 + max(0, $1.1 - $1.0) }
        for partition in undo.next.indices {
            while undo.next[partition] < undo.ends[partition] {
                guard !context.isStopped else { throw CancellationError() }
                let records = try await log.read(
                    .raw, partition: partition, from: undo.next[partition], limit: Self.batch)
                guard !records.isEmpty else { break }
                let withdrawals = withdrawals(of: records, partition, id, before: undo.ends[partition])
                if !withdrawals.isEmpty { try await log.append(withdrawals, to: .raw) }
                undo.withdrawn += withdrawals.count
                undo.next[partition] = records.offset(at: records.count - 1) + 1
                try await imports.keep(undo, of: id, runner: runner)
                let left = zip(undo.next, undo.ends).reduce(0) { $0 + max(0, $1.1 - $1.0) }
                context.report(1 - Double(left) / Double(max(1, all)), "\(undo.withdrawn) rows")
            }
        }
        let missing = record.progress.accepted - undo.withdrawn
        try await imports.finishUndo(
            id, runner: runner,
            reason: missing > 0 ? "\(missing) rows were not on the log any more, and what they brought stays" : nil)
        return StepResult(["import_id": .string(id.rawValue), "withdrawn": .integer(Int64(undo.withdrawn))])
    }

    /// Where it is to go on, or from where to where it is to go.
    private func undo(_ record: ImportRecord) async throws -> ImportRecord.Undo {
        if let undo = record.undo { return undo }
        let bounds = try await log.bounds(of: .raw).sorted { $0.partition < $1.partition }
        return ImportRecord.Undo(
            next: bounds.map { bounds in
                let starts = record.progress.starts
                return max(bounds.first, bounds.partition < starts.count ? starts[bounds.partition] : bounds.end)
            }, ends: bounds.map(\.end))
    }

    private func withdrawals(
        of records: RecordBatch, _ partition: Int, _ id: ImportID, before end: Int64
    ) -> RecordBatch {
        var withdrawals = RecordBatch()
        for i in 0..<records.count where records.offset(at: i) < end {
            var headers = records.headers(at: i)
            guard let event = ImportedEvent(headers, of: id), !event.isWithdrawal else { continue }
            headers.append(RawHeader.withdraws, "\(partition)/\(records.offset(at: i))")
            withdrawals.append(key: records.key(at: i), headers: headers, value: records.value(at: i))
        }
        return withdrawals
    }
}

extension ImportStore {
    /// Keeps how far the undoing is.
    func keep(_ undo: ImportRecord.Undo, of id: ImportID, runner: String) async throws {
        try await write { table in
            try table.change(id) { record in
                guard record.runner == runner else { throw CancellationError() }
                record.undo = undo
            }
        }
    }

    func finishUndo(_ id: ImportID, runner: String, reason: String?) async throws {
        let record = try await write { table in
            try table.change(id) { record in
                guard record.runner == runner else { throw CancellationError() }
                if record.state == .undoing { try record.apply(.undone, reason: reason) }
            }.record
        }
        try? await files.delete(record.fileKey)
    }
}
