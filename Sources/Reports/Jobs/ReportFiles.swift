import ByteJSON
import Common
import ServiceKit

/// The files of reports, in the storage that all processes share.
///
/// `reports/<report>/<stage>-<attempt>/<name>` are what stages wrote, and `reports/<report>/manifest.json` what is known of
/// the last of them, which is the report. No stage writes over what another one wrote, or another attempt, so what a kept
/// result names is whole and stays as it is: a report is published by the transaction that completes its job.
struct ReportFiles: Sendable {
    let storage: any FileStorage

    /// Of all reports.
    static let folder = "reports"

    /// What there is of one report.
    static func folder(of report: JobID, in workspace: WorkspaceID) throws -> FileFolder {
        guard let folder = FileFolder(workspace, "\(folder)/\(report)") else {
            throw JobFailure.defect("\(report) names no folder")
        }
        return folder
    }

    static func manifest(of report: JobID, in workspace: WorkspaceID) -> FileKey? {
        FileKey(workspace, "\(folder)/\(report)/manifest.json")
    }

    /// The file that a stage's result names.
    static func file(_ result: JSON?, in workspace: WorkspaceID) -> FileKey? {
        result?["file"]?.string.flatMap { FileKey(workspace, $0) }
    }

    // MARK: - Stages

    /// Writes the file of a stage. What earlier attempts at it left behind goes before.
    ///
    /// - Parameter produce: Has a thread write into the pipe.
    func write<Value: Sendable>(
        _ name: String, contentType: String, for context: JobContext, in workspace: WorkspaceID,
        _ produce: @escaping @Sendable (FilePipe) async throws -> Value
    ) async throws -> (value: Value, info: FileInfo) {
        let report = try Self.folder(of: context.job.id, in: workspace)
        let attempt = Int(context.attemptName) ?? 1
        // An attempt takes two or three numbers, and one that died may not have come as far as this. Later ones are none of
        // this one's: it may have been slow.
        let numbers = 3 * max(1, context.job.attempt)
        for earlier in max(1, attempt - numbers)..<max(1, attempt) {
            guard let folder = FileFolder(workspace, "\(report.path)/\(context.step)-\(earlier)") else { continue }
            try await storage.deleteAll(in: folder)
        }
        guard let key = FileKey(workspace, "\(report.path)/\(context.step)-\(attempt)/\(name)") else {
            throw JobFailure.defect("\(name) is no name of a file")
        }
        let upload = try await storage.begin(key, contentType: contentType)
        do {
            let pipe = FilePipe()
            async let made = pipe.run(produce)
            try await pipe.drain(into: upload)
            let value = try await made
            return (value, try await upload.finish())
        } catch {
            await upload.abandon()
            throw error
        }
    }

    /// A whole file of a stage, which is small.
    func contents(of key: FileKey, sum: String?) async throws -> [UInt8] {
        guard try await entry(key) != nil else { throw Self.missing(key, in: storage) }
        let bytes = try await storage.contents(key, limit: Self.maximumData)
        guard sum == nil || FileSum.of(bytes) == sum else {
            throw JobFailure.rejected("\(key) in \(storage.place) is not what was written; ask for the report again")
        }
        return bytes
    }

    /// Bytes of data that a report may be rendered from.
    private static let maximumData = 64 << 20

    /// Writes the manifest beside a report's file, and removes what the file was made from.
    func publish(_ file: FileKey, madeFrom data: FileKey?, as report: JobID, manifest: JSON) async throws {
        guard let key = Self.manifest(of: report, in: file.workspace) else {
            throw JobFailure.defect("\(report) names no folder")
        }
        guard try await entry(file) != nil else { throw Self.missing(file, in: storage) }
        try await storage.put(manifest.bytes + [0x0A], as: key, contentType: "application/json")
        if let data, data != file { try await storage.delete(data) }
    }

    private static func missing(_ key: FileKey, in storage: any FileStorage) -> JobFailure {
        .rejected("\(key) is not in \(storage.place) any more; ask for the report again")
    }

    // MARK: - Reports

    /// A file, if it is there, whoever put it there.
    func entry(_ key: FileKey) async throws(FileStorageError) -> FileEntry? {
        let names = key.path.split(separator: "/").dropLast().joined(separator: "/")
        guard let folder = FileFolder(key.workspace, names) else { return nil }
        return try await storage.list(folder, after: nil, limit: 100).first { $0.key == key }
    }

    /// Removes whatever there is of a report, and what is being written of it.
    func remove(_ report: JobID, in workspace: WorkspaceID) async throws {
        try await storage.deleteAll(in: Self.folder(of: report, in: workspace))
    }
}
