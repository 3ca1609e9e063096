import Common
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceKit

/// `/v1/imports/{import}/content`: a file that is sent in parts, each behind the bytes that are there.
struct UploadRoutes: Sendable {
    let access: ImportAccess
    let store: ImportStore
    let desk: UploadDesk
    let bodies: BodyReader
    let begin: @Sendable (ImportRecord) async throws -> Void

    private static let pieceBytes = 1 << 20

    func add(to router: Router<APIContext>) {
        router.head("/v1/imports/{import}/content") { request, context -> Response in
            _ = try request.requireOnly()
            let record = try await access.find(context, .write).record
            return answer(record, offset: try await offset(of: record), status: .ok)
        }
        router.patch("/v1/imports/{import}/content") { try await receive($0, $1) }
    }

    private func offset(of record: ImportRecord) async throws -> Int {
        guard record.state == .uploading, case .upload = record.source else { return record.size ?? 0 }
        return try await Self.translated { try await desk.offset(of: record) }
    }

    private func receive(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let record = try await access.find(context, .write).record
        guard case .upload = record.source else {
            throw Problem.conflict("the file of \(record.id) is not sent, but fetched")
        }
        guard let text = request.headers[.uploadOffset], let offset = Int(text), offset >= 0 else {
            throw Problem.badRequest(
                "header `Upload-Offset` must say where the bytes begin; `HEAD` tells what is there")
        }
        guard record.state == .uploading else {
            // An answer was lost: the file is there.
            if offset == record.size, request.headers[.contentLength] == "0" {
                return answer(record, offset: offset, status: .noContent)
            }
            throw Problem.conflict("\(record.id) is \(record.state.rawValue) and takes no more of its file")
        }
        let isLast = request.headers[.uploadComplete] == "?1"
        do {
            let (end, file) = try await Self.translated {
                try await desk.receive(record, at: offset, isLast: isLast) { write in
                    var piece: [UInt8] = []
                    do {
                        try await bodies.forEachPiece(of: request, context) { bytes in
                            piece.append(contentsOf: bytes.readableBytesView)
                            guard piece.count >= Self.pieceBytes else { return }
                            let full = piece
                            piece = []
                            try await write(full)
                        }
                    } catch {
                        // What came before a cut is kept.
                        if !piece.isEmpty, !(error is FileStorageError) { try await write(piece) }
                        throw error
                    }
                    if !piece.isEmpty { try await write(piece) }
                }
            }
            guard let file else { return answer(record, offset: end, status: .noContent) }
            let whole = try await store.finishUpload(record.id, file)
            if whole.startsItself { try await begin(whole) }
            return answer(whole, offset: end, status: .noContent)
        } catch let mismatch as OffsetMismatch {
            var response = answer(record, offset: mismatch.offset, status: .conflict)
            response.headers[.contentType] = "application/problem+json"
            let body = """
                {"code":"offset_mismatch","detail":"the file has \(mismatch.offset) bytes, and the request begins at \
                \(offset); send what follows byte \(mismatch.offset)","status":409,"title":"Conflict","type":"about:blank"}
                """
            response.body = .init(byteBuffer: ByteBuffer(string: body))
            return response
        } catch let mismatch as ChecksumMismatch {
            desk.forget(record.id)
            throw Problem(.unprocessableContent, code: "checksum_mismatch", mismatch.description)
        }
    }

    private func answer(_ record: ImportRecord, offset: Int, status: HTTPResponse.Status) -> Response {
        var headers: HTTPFields = [
            .uploadOffset: String(offset), .uploadComplete: record.state == .uploading ? "?0" : "?1",
            .cacheControl: "no-store",
        ]
        headers[.uploadLength] = record.size.map { String($0) }
        return Response(status: status, headers: headers)
    }

    /// Runs `body`, whose failures of storage become problems.
    static func translated<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as FileStorageError {
            throw Problem(error)
        }
    }
}

extension HTTPField.Name {
    static let uploadOffset = Self("Upload-Offset")!
    static let uploadLength = Self("Upload-Length")!
    static let uploadComplete = Self("Upload-Complete")!
}

extension Problem {
    init(_ error: FileStorageError) {
        let full = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        self =
            switch error {
            case .full(let reason): Problem(full, code: "storage_full", reason)
            case .overQuota(let reason): Problem(full, code: "over_quota", reason)
            case .notFound(let reason): .notFound(reason)
            case .unavailable(let reason, let after):
                .unavailable(reason, retryAfter: after.map { max(1, Int($0.seconds)) } ?? 5)
            case .refused(let reason), .damaged(let reason): .conflict(reason)
            case .cancelled: .unavailable("the server is stopping; send it again")
            }
    }
}
