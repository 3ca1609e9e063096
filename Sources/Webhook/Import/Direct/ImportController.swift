import ByteJSON
import Common
import Compression
import Connectors
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Rows
import ServiceKit

/// `POST /v1/streams/{stream}/imports`: a file of rows, streamed onto the log.
///
/// Each row is one raw event whose delivery is `<key>:<row>`, so a file that is sent again under its key doubles
/// nothing. A body of any size is read in pieces, and the next piece is read after the log took the rows of the last.
struct ImportController: Sendable {
    private let log: any EventLog
    private let directory: Directory
    private let connectors: ConnectorRegistry
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let settings: WebhookSettings
    private let bodies: BodyReader
    private let rows, malformed, bytes: Metrics.Counter

    init(context: RoleContext, settings: WebhookSettings, bodies: BodyReader) {
        log = context.log
        directory = context.directory
        connectors = context.connectors
        logger = context.logger
        now = context.now
        self.settings = settings
        self.bodies = bodies
        rows = context.metrics.counter(.stageItems, [("stage", "import"), ("outcome", "accepted")])
        malformed = context.metrics.counter(.stageItems, [("stage", "import"), ("outcome", "malformed")])
        bytes = context.metrics.counter(.stageBytes, [("stage", "import")])
    }

    func addRoutes(to router: Router<APIContext>) {
        router.post("/v1/streams/:stream/imports") { try await receive($0, $1) }
    }

    private func receive(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.write)
        let id = try context.identifier("stream", of: StreamKind.self)
        let stream = try await directory.current(with: id).stream(id, for: caller)
        guard let manifest = connectors[stream.connector] else {
            throw Problem.unavailable("connector `\(stream.connector)` is not loaded", retryAfter: 60)
        }
        let query = try request.requireOnly(parameters: ["key", "first_row", "format"])
        let key = try ImportKey(query["key"], now: now())
        let firstRow = try query.integer("first_row", in: 1...1_000_000_000_000) ?? 1
        let format: RowFormat? = try query.choice("format") ?? ImportFormat.rows(of: request.headers[.contentType])

        let file = ImportedFile(
            encoding: try ContentEncoding(request.headers[.contentEncoding]), format: format, settings: settings,
            rows: ImportRows(
                key: key.text, firstRow: firstRow,
                headers: [
                    RawHeader.workspace: stream.workspace.rawValue, RawHeader.connection: stream.connection.rawValue,
                    RawHeader.stream: stream.id.rawValue, RawHeader.connector: manifest.identity,
                    RawHeader.how: "import", RawHeader.receivedAt: now().description,
                    RawHeader.contentType: "application/json",
                ]))
        do {
            try await bodies.forEachPiece(of: request, context) { piece in
                try await store(file) { try file.feed(piece.readableBytesView) }
            }
            try await store(file) { try file.finish() }
            try await append(file.rows.takeBatch())
        } catch let error as CompressionError {
            throw Problem.badRequest(
                "\(error); \(file.rows.summary.rows) rows before it are taken in, send the mended file under key \(key.text)"
            )
        }
        let summary = file.rows.summary
        rows.add(Double(summary.rows - summary.malformed))
        malformed.add(Double(summary.malformed))
        bytes.add(Double(file.bytes))
        return .json(bytes: summary.json(key: key.text, bytes: file.bytes), status: .accepted)
    }

    /// Puts the rows of some bytes on the log, batch by batch.
    private func store(_ file: ImportedFile, _ feed: () throws -> Void) async throws {
        try feed()
        while let batch = try file.nextBatch() { try await append(batch) }
    }

    private func append(_ batch: RecordBatch) async throws {
        if batch.isEmpty { return }
        do {
            try await log.append(batch, to: .raw)
        } catch {
            logger.error("rows of an import could not be put on the log", metadata: ["error": "\(error)"])
            throw Problem.unavailable("the rows could not be stored; send them again", retryAfter: settings.retryAfter)
        }
    }
}

/// What an import is called; it makes the rows of a file that is sent again the same rows.
struct ImportKey: Sendable {
    let text: String

    /// - Throws: ``Problem`` 400 if it has other characters than letters, digits, `.`, `_` and `-`.
    init(_ given: String?, now: Timestamp) throws {
        guard let given else {
            text = "import-" + JobID.make(at: now).rawValue.dropFirst(JobKind.prefix.count)
            return
        }
        guard given.utf8.count <= 100,
            given.utf8.allSatisfy({
                ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A)
                    || [0x2D, 0x2E, 0x5F].contains($0)
            })
        else {
            throw Problem.badRequest("parameter `key` takes up to 100 letters, digits, `.`, `_` and `-`")
        }
        text = given
    }
}

enum ImportFormat {
    /// What a content type says of the rows; nil looks at the first bytes.
    static func rows(of contentType: String?) -> RowFormat? {
        switch contentType.map({ MediaType($0).text }) {
        case "text/csv", "application/csv", "text/tab-separated-values": .csv
        case "application/x-ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines": .jsonLines
        default: nil
        }
    }
}
