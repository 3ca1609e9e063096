import Compression
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceKit
import Synchronization

/// Reads bodies within bounds: of one, of all at once, of time, of growth.
final class BodyReader: Sendable {
    private let deadlines: BodyDeadlines
    private let maximumBytesInFlight: Int
    private let maximumRatio: Int
    private let retryAfter: Int
    private let bytesInFlight = Atomic<Int>(0)

    init(deadlines: BodyDeadlines, maximumBytesInFlight: Int, maximumRatio: Int, retryAfter: Int) {
        self.deadlines = deadlines
        self.maximumBytesInFlight = maximumBytesInFlight
        self.maximumRatio = maximumRatio
        self.retryAfter = retryAfter
    }

    /// A body as it came and as it was meant.
    struct Body: Sendable {
        /// The bytes on the wire.
        var wire: [UInt8]
        /// The bytes after `Content-Encoding` was undone.
        var bytes: [UInt8]
        var wasCompressed = false
    }

    /// Reads a whole body and hands it to `use`; its bytes count as in flight until `use` returns.
    ///
    /// - Throws: ``Problem`` 413, 415, 400 or 503 before `use` is called.
    func withBody<Result: Sendable>(
        of request: Request, _ headers: ReceivedHeaders, _ context: APIContext, limit: Int,
        use: (Body) async throws -> Result
    ) async throws -> Result {
        let encoding = try ContentEncoding(headers["content-encoding"])
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard length <= limit else { throw Problem.tooLarge(limit) }
        var lease = Lease(of: self)
        let wire = try await timed(context) { try await read(request.body, of: length, limit: limit, &lease) }
        guard let format = encoding.format(of: wire), !wire.isEmpty else {
            return try await use(Body(wire: wire, bytes: wire))
        }
        let bytes = try inflate(wire, format, limit: limit)
        try lease.add(bytes.count)
        return try await use(Body(wire: wire, bytes: bytes, wasCompressed: true))
    }

    /// Hands the pieces of a body to `use` as they come; the next is read after `use` returns.
    func forEachPiece(
        of request: Request, _ context: APIContext, use: (ByteBuffer) async throws -> Void
    ) async throws {
        var pieces = request.body.makeAsyncIterator()
        while let piece = try await timed(context, { try await next(&pieces) }) {
            var lease = Lease(of: self)
            try lease.add(piece.readableBytes)
            try await use(piece)
        }
    }

    /// Waits for bytes, until the deadline.
    private func timed<Result>(_ context: APIContext, _ wait: () async throws -> Result) async throws -> Result {
        let token = deadlines.begin(context.channel)
        defer { deadlines.end(token) }
        return try await wait()
    }

    /// - Parameter length: What was announced; 0 if nothing was.
    private func read(_ body: RequestBody, of length: Int, limit: Int, _ lease: inout Lease) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var pieces = body.makeAsyncIterator()
        while let piece = try await next(&pieces) {
            guard bytes.count + piece.readableBytes <= limit else { throw Problem.tooLarge(limit) }
            try lease.add(piece.readableBytes)
            // Not for what is promised alone: half of it must have come.
            if bytes.isEmpty, piece.readableBytes >= length / 2 { bytes.reserveCapacity(length) }
            piece.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    private func next(_ pieces: inout RequestBody.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await pieces.next()
        } catch {
            throw Problem.badRequest("the connection ended before the body did; send it again")
        }
    }

    private func inflate(_ wire: [UInt8], _ format: CompressionFormat, limit: Int) throws -> [UInt8] {
        do {
            return try Inflater.inflate(
                wire, as: format, limits: InflateLimits(maximumBytes: limit, maximumRatio: maximumRatio))
        } catch .tooLarge, .ratioExceeded {
            throw Problem.tooLarge(limit)
        } catch {
            throw Problem.badRequest("the body is not what Content-Encoding says: \(error)")
        }
    }

    /// Bytes that count as in flight for as long as this value lives.
    private struct Lease: ~Copyable {
        private let reader: BodyReader
        private var count = 0

        init(of reader: BodyReader) { self.reader = reader }

        /// - Throws: ``Problem`` 503 if there would be too many.
        mutating func add(_ bytes: Int) throws {
            count += bytes
            let total = reader.bytesInFlight.add(bytes, ordering: .relaxed).newValue
            guard total <= reader.maximumBytesInFlight else {
                throw Problem.unavailable("too much is being received at once", retryAfter: reader.retryAfter)
            }
        }

        deinit { reader.bytesInFlight.subtract(count, ordering: .relaxed) }
    }
}

/// What `Content-Encoding` says.
enum ContentEncoding: Sendable {
    case identity, gzip, deflate

    /// - Throws: ``Problem`` 415 for any other.
    init(_ header: String?) throws {
        switch header?.lowercased() {
        case nil, "", "identity": self = .identity
        case "gzip", "x-gzip": self = .gzip
        case "deflate": self = .deflate
        case let other?:
            throw Problem(
                .unsupportedMediaType, code: "unsupported_encoding",
                "content encoding `\(other)` is not understood; send gzip, deflate or none")
        }
    }

    func format(of bytes: [UInt8]) -> CompressionFormat? {
        switch self {
        case .identity: nil
        case .gzip: .gzip
        case .deflate: .httpDeflate(bytes)
        }
    }
}

extension Problem {
    static func tooLarge(_ limit: Int) -> Problem {
        .contentTooLarge("the body is larger than the \(limit) bytes that are taken in")
    }
}
