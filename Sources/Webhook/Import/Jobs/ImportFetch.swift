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
            try await fetch(url, record, context)
        } catch {
            throw Self.failure(error, url) ?? error
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

    /// What an error of fetching means to its import.
    private static func failure(_ error: any Error, _ url: String) -> JobFailure? {
        switch error {
        case let error as JobFailure: error
        case let error as ChecksumMismatch: .rejected(error.description)
        case let error as HTTPTransportError:
            switch error {
            case .bodyTooLarge(let limit):
                .rejected(
                    "\(url) hands its file out whole and not in parts, and larger than \(limit) bytes; send it instead")
            case _ where error.isTransient: .unavailable("\(url): \(error)")
            case .cancelled: nil
            default: .rejected("\(url): \(error)")
            }
        case let error as FileStorageError:
            switch error {
            case .unavailable(let reason, let after): .unavailable(reason, retryAfter: after)
            case .cancelled: nil
            default: .rejected("\(error)")
            }
        default: nil
        }
    }

    private func fetch(_ url: String, _ record: ImportRecord, _ context: JobContext) async throws {
        let upload = try await imports.openUpload(of: record)
        // Bytes that were fetched; the storage makes them durable in its time.
        var fetched = upload.durable
        // What the first answer called the file, by which a later part is known to be of the same.
        var version = fetched > 0 ? record.upload?.etag : nil
        var size = fetched > 0 ? record.upload?.total : nil
        while size.map({ fetched < $0 }) ?? true {
            guard !context.isStopped else { throw CancellationError() }
            guard let part = try await part(of: url, from: fetched, version), part.size == size ?? part.size else {
                throw JobFailure.rejected("the file at \(url) was changed while it was fetched; import it again")
            }
            size = part.size
            guard part.size <= settings.maximumFileBytes else {
                throw JobFailure.rejected("the file at \(url) is larger than \(settings.maximumFileBytes) bytes")
            }
            guard !part.bytes.isEmpty || part.size == fetched else {
                throw JobFailure.unavailable("\(url) answers with nothing behind byte \(fetched)")
            }
            version = version ?? part.version
            try await upload.write(part.bytes)
            fetched += part.bytes.count
            try await imports.keepUpload(
                record.id, .init(id: upload.id, offset: upload.durable, etag: version, total: part.size))
            context.report(Double(fetched) / Double(max(1, part.size)), "\(fetched) bytes fetched")
        }
        try await imports.finishUpload(record.id, upload.finish())
    }

    /// A piece of a file elsewhere.
    private struct Part {
        var bytes: [UInt8]
        /// Of the whole file.
        var size: Int
        var version: String?
    }

    /// Asks for the next bytes; a server that knows no parts, or packs them, is asked for all.
    ///
    /// - Returns: nil if the file is another one than before.
    private func part(of url: String, from: Int, _ version: String?) async throws -> Part? {
        // Packed on its way, a part would be one of something else.
        var headers = [(name: "Accept-Encoding", value: "identity")]
        headers.append((name: "Range", value: "bytes=\(from)-\(from + settings.fetchedBytes - 1)"))
        if let version { headers.append((name: "If-Range", value: version)) }
        var found = try await answer(to: OutgoingRequest("GET", url, headers: headers, limits: limits), from: from)
        if found == nil {
            guard from == 0 else { return nil }
            found = try await transport.send(OutgoingRequest("GET", url, limits: limits))
        }
        guard let answer = found else { return nil }
        switch answer.status {
        case 206:
            guard let total = Self.total(answer["Content-Range"], from: from) else {
                throw JobFailure.rejected("\(url) answered with another part of the file than it was asked for")
            }
            let modified = answer["Last-Modified"]
            return Part(
                bytes: answer.body, size: total,
                version: answer["ETag"].flatMap { $0.hasPrefix("W/") ? nil : $0 } ?? modified)
        case 200 where from == 0: return Part(bytes: answer.body, size: answer.body.count)
        // There is nothing in an empty file, not even its beginning.
        case 416 where from == 0 && answer["Content-Range"] == "bytes */0": return Part(bytes: [], size: 0)
        case 200, 416: return nil
        case 408, 425, 429, 500...599:
            throw JobFailure.unavailable(
                "\(url) answered \(answer.status)",
                retryAfter: answer["Retry-After"].flatMap { Int($0) }.map { .seconds($0) })
        default: throw JobFailure.rejected("\(url) answered \(answer.status)")
        }
    }

    /// - Returns: nil if a part came that is packed, of which nothing can be made, or more than one that goes on with
    ///   what there is.
    private func answer(to request: OutgoingRequest, from: Int) async throws -> IncomingResponse? {
        do {
            let answer = try await transport.send(request)
            let isPacked = answer["Content-Encoding"].map { $0.lowercased() != "identity" } ?? false
            return answer.status == 206 && isPacked ? nil : answer
        } catch {
            switch error {
            case .badEncoding: return nil
            case .bodyTooLarge where from > 0: return nil
            default: throw error
            }
        }
    }

    private var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.maximumBodyBytes = settings.fetchedBytes * 4
        limits.totalTimeout = .seconds(600)
        limits.stallTimeout = .seconds(settings.stallSeconds)
        return limits
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
        try await keepUpload(record.id, .init(id: upload.id))
        return upload
    }

    func keepUpload(_ id: ImportID, _ upload: ImportRecord.Upload) async throws {
        _ = try await write { table in
            try table.change(id) { record in
                guard record.state == .uploading else { return }
                record.upload = upload
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
                // What is fetched again, and was not named, is the same file by what is in it.
                if case .url = record.source, record.key == record.id.rawValue {
                    let key = Self.key(of: info)
                    if try table.open(record.stream, key: key) == nil { record.key = key }
                }
                try record.apply(.uploaded)
            }.record
        }
        guard record.state == .uploading else { return record }
        try await files.delete(record.fileKey)
        throw ChecksumMismatch(announced: record.sha256 ?? "", found: info.sha256)
    }

    /// A key made of the content, as `earshot import` makes it.
    private static func key(of info: FileInfo) -> String {
        let digits = Array(info.sha256.utf8.prefix(20))
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
        }
        return "file-" + Base32.encode(bytes)
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
