import ByteJSON
import Common
import Connectors
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Rows
import ServiceKit

/// `/v1/imports`: files that are imported as jobs.
struct ImportRoutes: Sendable {
    let access: ImportAccess
    let store: ImportStore
    let jobs: ImportJobs
    let desk: UploadDesk
    let directory: Directory
    let connectors: ConnectorRegistry
    let settings: ImportSettings
    let now: @Sendable () -> Timestamp

    func add(to router: Router<APIContext>) {
        router.post("/v1/imports") { try await create($0, $1) }
        router.get("/v1/imports") { try await list($0, $1) }
        router.get("/v1/imports/{import}") { request, context -> Response in
            _ = try request.requireOnly()
            return .json(try await access.find(context, .write).json)
        }
        router.patch("/v1/imports/{import}") { try await change($0, $1) }
        router.delete("/v1/imports/{import}") { try await delete($0, $1) }
        router.get("/v1/imports/{import}/preview") { try await preview($0, $1) }
        router.post("/v1/imports/{import}/start") { try await start($0, $1) }
        router.post("/v1/imports/{import}/pause") { try await stop($0, $1, .paused, "paused by request") }
        router.post("/v1/imports/{import}/cancel") { try await stop($0, $1, .cancelled, "cancelled by request") }
        router.post("/v1/imports/{import}/undo") { try await undo($0, $1) }
        router.get("/v1/imports/{import}/bad-rows") { try await badRows($0, $1) }
    }

    // MARK: - Making and changing

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.write)
        _ = try request.requireOnly()
        let body = try await request.jsonObject(limit: 262_144)
        let streamID = body.identifier("stream_id", of: StreamKind.self, required: true)
        let id = ImportID.make(at: now())
        let key = body.string("key", length: 1...100) ?? id.rawValue
        if (try? ImportKey(key, now: now())) == nil { body.refuse("key", "takes letters, digits, `.`, `_` and `-`") }
        let name = body.string("name", length: 1...500)
        let size = body.integer("size", in: 0...settings.maximumFileBytes)
        let sha256 = body.string("sha256", length: 64...64)?.lowercased()
        let startsItself = body.value("start")?.bool ?? false
        let source = source(body)
        let options = options(body, over: .init())
        try body.finish()
        guard let streamID, let source else { throw Problem.badRequest("the body is not complete") }
        let stream = try await directory.current(with: streamID).stream(streamID, for: caller)
        try check(options, of: stream.id)

        var record = ImportRecord(
            id: id, workspace: stream.workspace, stream: stream.id, key: key, name: name ?? key, createdAt: now(),
            state: .uploading, source: source, size: size, sha256: sha256, options: options)
        record.startsItself = startsItself
        if case .path = source {
            do {
                record.size = try await store.source(of: record).size
            } catch let error as SourceError {
                throw Problem.unprocessable("\(error)", errors: [(at: "/source/path", reason: "\(error)")])
            }
            record.state = .ready
        }
        let made = record
        let found = try await store.write { [settings, jobs] table in
            if let open = try table.open(made.stream, key: made.key) { return open }
            guard try table.openCount(of: made.workspace) < settings.openImports else {
                throw Problem(
                    .tooManyRequests, code: "too_many_imports",
                    "\(settings.openImports) imports of \(made.workspace) have not ended; finish or cancel some",
                    retryAfter: 60)
            }
            var record = made
            if case .url = made.source { record.job = try jobs.enqueue(ImportJobs.fetchKind, record, in: table) }
            try table.insert(record)
            return try table.find(record.id) ?? .init(record: record)
        }
        jobs.engine.wake()
        let isNew = found.record.id == id
        if isNew, startsItself, found.record.state == .ready { try await begin(found.record) }
        let told = try await store.read { try $0.find(found.record.id) } ?? found
        var response = Response.json(told.json, status: isNew ? .created : .ok)
        response.headers[.location] = "/v1/imports/\(found.record.id)"
        return response
    }

    private func source(_ body: BodyObject) -> ImportRecord.Source? {
        guard let source = body.object("source") else { return .upload }
        let path = source.string("path", length: 1...1000)
        let url = source.string("url", length: 1...4000)
        switch (path, url) {
        case (let path?, nil): return .path(path)
        case (nil, let url?) where url.hasPrefix("https://") || url.hasPrefix("http://"): return .url(url)
        default:
            body.refuse("source", "has either `path`, a file in the folder of imports, or `url`, an https address")
            return nil
        }
    }

    private func options(_ body: BodyObject, over old: ImportRecord.Options) -> ImportRecord.Options {
        var options = old
        if let format = body.choice("format", of: RowFormat.allCases) { options.format = format }
        if let separator = body.string("separator") {
            if !Separator.names.contains(separator) {
                body.refuse("separator", "must be one of \(Separator.names.joined(separator: " "))")
            }
            options.separator = separator
        }
        if let hasHeader = body.value("header")?.bool { options.hasHeader = hasHeader }
        if let mapping = body.value("mapping") {
            if let members = mapping.object {
                options.mapping = members
            } else {
                body.refuse("mapping", "must be an object")
            }
        }
        if let guesses = body.value("guess")?.bool { options.guesses = guesses }
        return options
    }

    /// - Throws: ``Problem`` 422 if the mapping cannot be used.
    private func check(_ options: ImportRecord.Options, of stream: StreamID) throws {
        do {
            _ = try ImportPlan(stream, in: directory.current, connectors).mapper(options.mapping)
        } catch let error as MappingError {
            throw Problem.unprocessable("\(error)", errors: [(at: "/mapping", reason: error.reason)])
        } catch let error as JobFailure {
            throw Problem.unavailable("\(error)", retryAfter: 60)
        }
    }

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let record = try await access.find(context, .write).record
        let body = try await request.jsonObject(limit: 262_144)
        let options = options(body, over: record.options)
        try body.finish()
        try check(options, of: record.stream)
        let found = try await store.write { table in
            try table.change(record.id) { record in
                guard record.progress.rows == 0, record.state != .running else {
                    throw Problem.conflict(
                        "rows of \(record.id) were read already; cancel it, and import the file anew")
                }
                record.options = options
                record.dialect = nil
                record.mapping = [:]
            }
        }
        return .json(found.json)
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.write)
        let query = try request.requireOnly(parameters: ["workspace_id"] + Page.parameters)
        let page = try Page(query, keys: 1)
        let workspaces = try directory.current.workspaces(query, for: caller)
        let before = page.after?.keys[0].string.flatMap { ImportID($0) }
        let found = try await store.read { try $0.list(of: workspaces, before: before, limit: page.limit + 1) }
        return page.response("imports", found, id: { $0.record.id.rawValue }, json: \.json)
    }

    private func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let record = try await access.find(context, .write).record
        guard !record.state.isOpen else {
            throw Problem.conflict("\(record.id) is \(record.state.rawValue); cancel it first")
        }
        try await UploadRoutes.translated { try await store.drop(record) }
        try await store.write { try $0.delete(record.id) }
        return Response(status: .noContent)
    }

    // MARK: - Running

    private func preview(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let record = try await access.find(context, .write).record
        guard record.state != .uploading else {
            throw Problem.conflict("the file of \(record.id) is not there yet; `HEAD …/content` tells how far it is")
        }
        do {
            let preview = try await ImportPreview.make(
                of: try await store.source(of: record), record,
                plan: ImportPlan(record.stream, in: directory.current, connectors), settings: settings)
            return .json(preview.json)
        } catch let error as FileStorageError {
            throw Problem(error)
        } catch let error as JobFailure {
            throw Problem.unprocessable("\(error)")
        } catch let error as MappingError {
            throw Problem.unprocessable("\(error)")
        } catch let error as SourceError {
            throw Problem.conflict("\(error)")
        } catch let error as PackingError {
            throw Problem.unprocessable("\(error)")
        }
    }

    private func start(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let record = try await access.find(context, .write).record
        let bytes = try await request.bytes(limit: 4096)
        let body = bytes.isEmpty ? BodyObject([:]) : try BodyObject(JSONDocument(parsing: bytes, maximumDepth: 8))
        let isDryRun = body.value("dry_run")?.bool ?? false
        try body.finish()
        return .json(try await begin(record, isDryRun: isDryRun).json, status: .accepted)
    }

    /// Has the rows of an import read, from where they are.
    @discardableResult
    func begin(_ record: ImportRecord, isDryRun: Bool = false) async throws -> ImportTable.Found {
        let found = try await conflicting {
            try await store.write { [jobs] table in
                let found = try table.change(record.id) { record in
                    if isDryRun, record.progress.rows > 0 {
                        throw Problem.conflict("rows of \(record.id) are on the log already; a dry run comes before")
                    }
                    if record.state == .failed, record.size == nil {
                        throw Problem.conflict(
                            "the file of \(record.id) is not there: \(record.reason ?? "it did not come"); import it again"
                        )
                    }
                    try record.apply(.started)
                    record.isDryRun = isDryRun
                    // Rows may be on the log before the first checkpoint: where it began is kept.
                    if record.progress.rows == 0 { try table.forgetBadRows(of: record.id) }
                    record.job = try jobs.enqueue(ImportJobs.runKind, record, in: table)
                }
                return try table.find(record.id) ?? found
            }
        }
        jobs.engine.wake()
        return found
    }

    private func stop(
        _ request: Request, _ context: APIContext, _ event: ImportState.Event, _ reason: String
    ) async throws -> Response {
        _ = try request.requireOnly()
        let before = try await access.find(context, .write).record
        let found = try await conflicting {
            try await store.write { table in
                try table.change(before.id) { record in
                    if record.isDryRun, record.state == .running {
                        try record.apply(.checked, reason: "the dry run was stopped")
                        record.isDryRun = false
                        record.progress = .init()
                    } else {
                        try record.apply(event, reason: reason)
                    }
                }
            }
        }
        if let job = before.job { _ = try await jobs.engine.cancel(job, reason: reason) }
        if event == .cancelled {
            desk.forget(before.id)
            try await UploadRoutes.translated { try await store.drop(before) }
        }
        return .json(found.json)
    }

    private func undo(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let before = try await access.find(context, .write).record
        let found = try await conflicting {
            try await store.write { [jobs] table in
                let found = try table.change(before.id) { record in
                    try record.apply(.undoingBegan)
                    record.job = try jobs.enqueue(ImportJobs.undoKind, record, in: table)
                }
                return try table.find(before.id) ?? found
            }
        }
        jobs.engine.wake()
        return .json(found.json, status: .accepted)
    }

    private func conflicting<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let conflict as ImportConflict {
            throw Problem.conflict(conflict.description)
        }
    }

    // MARK: - Bad rows

    private func badRows(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let record = try await access.find(context, .write).record
        let store = store
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "row,line,column,reason,original\r\n"))
            var last = 0
            while true {
                let after = last
                let rows = try await store.read { try $0.badRows(of: record.id, after: after, limit: 500) }
                guard let end = rows.last?.row else { break }
                var text = ""
                for row in rows { text += row.line(of: record) }
                try await writer.write(ByteBuffer(string: text))
                last = end
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8",
                .contentDisposition: "attachment; filename=\"bad-rows-\(record.id).csv\"",
                .cacheControl: "private, no-store", .xContentTypeOptions: "nosniff",
            ], body: body)
    }
}

extension BadRow {
    /// The row in the file of bad rows.
    fileprivate func line(of record: ImportRecord) -> String {
        let cells = [String(row), String(line), column ?? "", reason, String(decoding: original, as: UTF8.self)]
        return cells.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + "\r\n"
    }
}

extension ImportJobs {
    /// Puts a job of an import in line.
    func enqueue(_ kind: String, _ record: ImportRecord, in table: ImportTable) throws -> JobID {
        var request = JobRequest(
            kind, workspace: record.workspace, payload: ["import_id": .string(record.id.rawValue)])
        if kind == Self.fetchKind, case .url(let url) = record.source {
            request.provider = url.split(separator: "/", maxSplits: 2).dropFirst().first.map(String.init)
        }
        return try engine.enqueue(request, in: table.connection).job.id
    }
}
