import ByteJSON
import Common
import ServiceKit
import Synchronization

/// Imports and their files: what routes and jobs read and write.
struct ImportStore: Sendable {
    let database: any Database
    let files: any FileStorage
    let settings: ImportSettings
    let now: @Sendable () -> Timestamp
    /// Whether the tables are there.
    let readiness = ImportReadiness()

    func read<Value: Sendable>(_ body: @escaping @Sendable (ImportTable) throws -> Value) async throws -> Value {
        try readiness.check()
        return try await database.read { [now] in try body(ImportTable(connection: $0, now: now())) }
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (ImportTable) throws -> Value) async throws -> Value {
        try readiness.check()
        return try await database.write { [now] in try body(ImportTable(connection: $0, now: now())) }
    }

    /// The bytes of an import's file.
    func source(of record: ImportRecord) async throws -> SourceBytes {
        if case .path(let name) = record.source {
            guard let folder = settings.folder else {
                throw SourceError.refused("no folder of imports is set; the operator sets imports.folder")
            }
            let file = try FolderFile(name, in: folder)
            if let size = record.size, size != file.size {
                throw SourceError.refused("`\(name)` has \(file.size) bytes, and had \(size): it was changed")
            }
            return file.bytes
        }
        guard let info = try await files.info(record.fileKey) else {
            throw SourceError.refused("the file of \(record.id) is not in \(files.place) any more")
        }
        return SourceBytes(info, in: files)
    }

    // MARK: - For one attempt of a job

    /// Makes an attempt the one that may write how far the import is.
    func takeUp(_ id: ImportID, runner: String, job: JobID) async throws -> ImportRecord {
        try await write { table in
            try table.change(id) { record in
                guard record.job == job else { throw CancellationError() }
                record.runner = runner
            }.record
        }
    }

    /// Keeps what an attempt decided before it began.
    func keep(_ record: ImportRecord, runner: String) async throws -> ImportRecord {
        try await write { table in
            try table.change(record.id) { kept in
                guard kept.runner == runner else { throw CancellationError() }
                kept.dialect = record.dialect
                kept.mapping = record.mapping
                kept.progress = record.progress
            }.record
        }
    }

    /// Keeps how far an import is, and its bad rows.
    ///
    /// - Throws: `CancellationError` if another attempt has it.
    func keep(
        _ progress: ImportRecord.Progress, bad: [BadRow], of id: ImportID, runner: String, isLast: Bool
    ) async throws {
        let record = try await write { table in
            let record = try table.change(id) { record in
                guard record.runner == runner else { throw CancellationError() }
                record.progress = progress
                guard isLast, record.state == .running else { return }
                try record.apply(record.isDryRun ? .checked : .finished)
                if record.isDryRun {
                    record.check = progress
                    record.isDryRun = false
                    record.progress = ImportRecord.Progress()
                }
            }.record
            try table.add(bad, of: id)
            return record
        }
        if record.state == .completed { try? await files.delete(record.fileKey) }
    }

    /// Ends an import that cannot be finished.
    func fail(_ id: ImportID, runner: String, reason: String) async throws {
        try await write { table in
            try table.change(id) { record in
                guard record.runner == runner, record.state.after(.failed) != nil else { return }
                try record.apply(.failed, reason: reason)
            }
        }
    }
}

/// Whether imports have their database; everything else of the role does without.
final class ImportReadiness: Sendable {
    private let isReady = Atomic(false)

    func become() { isReady.store(true, ordering: .releasing) }

    /// - Throws: ``DatabaseError/unavailable(_:)`` before it is there.
    func check() throws {
        guard isReady.load(ordering: .acquiring) else {
            throw DatabaseError.unavailable("imports wait for their database")
        }
    }
}
