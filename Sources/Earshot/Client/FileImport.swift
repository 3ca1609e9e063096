import ByteJSON
public import Common
import Compression
public import Rows

/// Sends a file of rows to a stream, chunk by chunk, until the server has all of it.
///
/// A chunk that did not arrive, or whose answer did not, is sent again under the same row numbers, so a server that is
/// killed meanwhile costs time and nothing else.
public struct FileImport: Sendable {
    /// How far an import is.
    public struct Progress: Sendable, Hashable {
        /// Bytes of the file that were read.
        public var bytes = 0
        /// The first row that the server was not sent yet.
        public var nextRow = 1
        /// Rows that the server has, and those among them that it cannot read.
        public var rows = 0
        public var malformed = 0
        /// The first of those that it cannot read: number and reason.
        public var errors: [Fault] = []
        /// Requests that had to be sent again.
        public var retries = 0
        /// What is being waited for, if something is.
        public var trouble: String?

        public init() {}
    }

    /// A row that the server cannot read.
    public struct Fault: Sendable, Hashable {
        public let row: Int
        public let reason: String
    }

    private static let readBytes = 1 << 20
    private static let maximumErrors = 20

    private let client: APIClient
    private let stream: StreamID
    private let key: String
    private let format: RowFormat?
    private let chunkBytes: Int
    private let fromRow: Int
    private let patience: Duration

    /// - Parameters:
    ///   - key: Names the file: rows that are sent again under it are the same rows.
    ///   - format: nil looks at the first bytes.
    ///   - fromRow: Rows before this one are passed over.
    ///   - patience: How long a server that had answered before may be away.
    public init(
        client: APIClient, stream: StreamID, key: String, format: RowFormat? = nil, chunkBytes: Int = 512 << 10,
        fromRow: Int = 1, patience: Duration = .seconds(300)
    ) {
        self.client = client
        self.stream = stream
        self.key = key
        self.format = format
        self.chunkBytes = chunkBytes
        self.fromRow = fromRow
        self.patience = patience
    }

    /// Sends everything that `read` gives.
    ///
    /// - Parameters:
    ///   - read: The next bytes of the file, at most so many; empty is the end. gzip is recognised.
    ///   - report: Told of every step.
    /// - Throws: ``APIFailure``, or what `read` throws; `report` was told how many rows the server has.
    public func run(
        read: (Int) throws -> [UInt8], report: (Progress) -> Void = { _ in }
    ) async throws -> Progress {
        // A server that was never there is a wrong address, not a server that comes back.
        try await client.send("GET", "/live")
        var progress = Progress()
        var chunker = RowChunker(format: format, chunkBytes: chunkBytes)
        var packed: Inflater?
        var isFirst = true
        while true {
            let piece = try read(Self.readBytes)
            progress.bytes += piece.count
            if isFirst, let form = CompressionFormat.detect(piece) {
                // The file is the user's own: only its end bounds it.
                packed = try Inflater(form, limits: InflateLimits(maximumBytes: .max - 1, maximumRatio: 2000))
            }
            isFirst = false
            if packed == nil {
                if piece.isEmpty { chunker.finish() } else { chunker.feed(piece) }
                try await sendChunks(&chunker, &progress, report)
            } else {
                packed?.feed(piece)
                var plain: [UInt8] = []
                while try packed?.read(atMost: Self.readBytes, into: &plain) ?? 0 > 0 {
                    chunker.feed(plain)
                    plain = []
                    try await sendChunks(&chunker, &progress, report)
                }
                if piece.isEmpty {
                    try packed?.finish()
                    chunker.finish()
                    try await sendChunks(&chunker, &progress, report)
                }
            }
            if piece.isEmpty { return progress }
        }
    }

    private func sendChunks(
        _ chunker: inout RowChunker, _ progress: inout Progress, _ report: (Progress) -> Void
    ) async throws {
        while let chunk = chunker.nextChunk() {
            if chunk.firstRow + chunk.rows <= fromRow { continue }
            let answer = try await send(chunk, as: chunker.format, &progress, report)
            progress.nextRow = chunk.firstRow + chunk.rows
            progress.rows += Int(answer["rows"]?.int64 ?? 0)
            progress.malformed += Int(answer["malformed"]?.int64 ?? 0)
            for error in answer["errors"].map({ Array($0.elements) }) ?? []
            where progress.errors.count < Self.maximumErrors {
                progress.errors.append(
                    Fault(row: Int(error["row"]?.int64 ?? 0), reason: error["reason"]?.string ?? "cannot be read"))
            }
            report(progress)
        }
    }

    private func send(
        _ chunk: RowChunk, as format: RowFormat?, _ progress: inout Progress, _ report: (Progress) -> Void
    ) async throws -> JSONValue {
        let query =
            [("key", key), ("first_row", String(chunk.firstRow))] + (format.map { [("format", $0.rawValue)] } ?? [])
        let contentType = format == .csv ? "text/csv" : "application/x-ndjson"
        var failures = 0
        let begun = ContinuousClock.now
        while true {
            do {
                let answer = try await client.send(
                    "POST", "/v1/streams/\(stream)/imports", query: query, body: chunk.bytes, contentType: contentType)
                progress.trouble = nil
                return try JSONDocument(parsing: answer.body).root
            } catch let failure as APIFailure where failure.isTransient {
                guard ContinuousClock.now - begun < patience else { throw failure }
                failures += 1
                progress.retries += 1
                progress.trouble = failure.description
                report(progress)
                try await Task.sleep(for: failure.pause(failures))
            }
        }
    }
}
