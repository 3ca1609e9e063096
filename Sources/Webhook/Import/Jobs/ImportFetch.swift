import ByteJSON
import Common
import ServiceKit

/// Fetches the file of an import from an address, range by range: the step of a job that goes on where it was cut.
struct ImportFetch: Sendable {
    let imports: ImportStore
    let transport: any HTTPTransport
    let settings: ImportSettings
    let now: @Sendable () -> Timestamp

    func run(_ context: JobContext) async throws -> StepResult {
        guard let id = context.job.payload["import_id"]?.string.flatMap({ ImportID($0) }) else {
            throw JobFailure.defect("the job names no import")
        }
        let runner = "\(context.job.id) \(context.attemptName)"
        let record = try await imports.takeUp(id, runner: runner, job: context.job.id)
        guard record.state == .uploading, case .url(let url) = record.source else { return StepResult() }
        do {
            try await fetch(url, record, runner: runner, context)
        } catch let error as FileStorageError {
            if case .unavailable(let reason, let after) = error {
                throw JobFailure.unavailable(reason, retryAfter: after)
            }
            throw JobFailure.rejected("\(error)")
        }
        return StepResult(["import_id": .string(id.rawValue)]) { [now] connection in
            let table = ImportTable(connection: connection, now: now())
            try table.change(id) { record in
                guard record.startsItself, record.state == .ready else { return }
                try record.apply(.started)
                let request = JobRequest(ImportJobs.runKind, workspace: record.workspace, payload: context.job.payload)
                record.job = try JobTable(connection, at: now()).enqueue(request, deadline: ImportJobs.deadline).job.id
            }
        }
    }

    private func fetch(_ url: String, _ record: ImportRecord, runner: String, _ context: JobContext) async throws {
        var etag = record.upload?.etag
        let upload = try await imports.openUpload(of: record)
        var size: Int?
        while size.map({ upload.durable < $0 }) ?? true {
            guard !context.isStopped else { throw CancellationError() }
            let from = upload.durable
            var limits = HTTPLimits()
            limits.maximumBodyBytes = settings.fetchedBytes * 4
            limits.totalTimeout = .seconds(600)
            var headers = [(name: "Range", value: "bytes=\(from)-\(from + settings.fetchedBytes - 1)")]
            // Packed by us again, a range would be one of something else.
            headers.append((name: "Accept-Encoding", value: "identity"))
            if let etag { headers.append((name: "If-Range", value: etag)) }
            let answer = try await transport.send(OutgoingRequest("GET", url, headers: headers, limits: limits))
            switch answer.status {
            case 206:
                guard let total = Self.total(answer["Content-Range"], from: from) else {
                    throw JobFailure.rejected("\(url) answered with another part of the file than it was asked for")
                }
                size = total
            case 200 where from == 0: size = answer.body.count
            case 200: throw JobFailure.rejected("the file at \(url) was changed while it was fetched; import it again")
            case 408, 425, 429, 500...599:
                throw JobFailure.unavailable(
                    "\(url) answered \(answer.status)",
                    retryAfter: answer["Retry-After"].flatMap { Int($0) }.map { .seconds($0) })
            default: throw JobFailure.rejected("\(url) answered \(answer.status)")
            }
            guard let size, size <= settings.maximumFileBytes else {
                throw JobFailure.rejected("the file at \(url) is larger than \(settings.maximumFileBytes) bytes")
            }
            etag = etag ?? answer["ETag"].flatMap { $0.hasPrefix("W/") ? nil : $0 }
            try await upload.write(answer.body)
            if answer.body.count + from >= size { break }
            guard upload.durable > from else {
                throw JobFailure.unavailable("\(imports.files.place) keeps nothing of what is fetched")
            }
            try await imports.keepUpload(record.id, id: upload.id, offset: upload.durable, etag: etag)
            context.report(Double(upload.durable) / Double(max(1, size)), "\(upload.durable) bytes fetched")
        }
        let info = try await upload.finish()
        try await imports.finishUpload(record.id, info)
    }

    /// What `bytes 0-99/1234` says that the whole file has, if it is of the part that was asked for.
    private static func total(_ range: String?, from: Int) -> Int? {
        guard let range, range.hasPrefix("bytes \(from)-"), let slash = range.lastIndex(of: "/") else { return nil }
        return Int(range[range.index(after: slash)...])
    }
}

extension ImportStore {
    /// The upload of an import's file, gone on with or begun.
    func openUpload(of record: ImportRecord) async throws -> any FileUpload {
        if let id = record.upload?.id {
            do {
                return try await files.resume(id, of: record.fileKey)
            } catch FileStorageError.notFound {
                // It was abandoned; what there was is to be sent again.
            }
        }
        let upload = try await files.begin(record.fileKey, contentType: "application/octet-stream")
        try await keepUpload(record.id, id: upload.id, offset: 0)
        return upload
    }

    func keepUpload(_ id: ImportID, id upload: String, offset: Int, etag: String? = nil) async throws {
        try await write { table in
            try table.change(id) { record in
                guard record.state == .uploading else { return }
                record.upload = .init(id: upload, offset: offset, etag: etag ?? record.upload?.etag)
            }
        }
    }

    /// The file is there, whole.
    ///
    /// - Throws: ``ChecksumMismatch`` if it is another one than was announced; then it is gone, and can be sent again.
    @discardableResult
    func finishUpload(_ id: ImportID, _ info: FileInfo) async throws -> ImportRecord {
        let record = try await write { table in
            try table.change(id) { record in
                guard record.state == .uploading else { return }
                if let announced = record.sha256, announced != info.sha256 {
                    record.upload = .init()
                    return
                }
                record.size = info.size
                record.sha256 = info.sha256
                record.upload = nil
                try record.apply(.uploaded)
            }.record
        }
        guard record.state == .uploading else { return record }
        try await files.delete(record.fileKey)
        throw ChecksumMismatch(announced: record.sha256 ?? "", found: info.sha256)
    }
}

/// What came is not what was announced.
struct ChecksumMismatch: Error, CustomStringConvertible {
    let announced: String
    let found: String
    var description: String {
        "the file's SHA-256 is \(found), and \(announced) was announced; what came is dropped, send it again"
    }
}
