import Common
import HTTPTypes
import ServiceKit
import Synchronization

/// Files that are being sent: one request at a time writes one file.
///
/// What was begun is kept in hand between two requests, because going on with it from the storage costs reading what is
/// there. What another process wrote meanwhile, or a crash took, shows in the offsets, and is read from the storage anew.
final class UploadDesk: Sendable {
    private struct Held {
        var upload: any FileUpload
        /// Bytes that were written, durable or not.
        var written: Int
        var used: ContinuousClock.Instant
    }
    private struct State {
        var held: [ImportID: Held] = [:]
        var busy: Set<ImportID> = []
    }
    private static let maximumHeld = 64
    private static let idle = Duration.seconds(300)

    private let store: ImportStore
    private let state = Mutex(State())

    init(store: ImportStore) { self.store = store }

    /// Bytes that are there.
    func offset(of record: ImportRecord) async throws -> Int {
        try await alone(with: record) { try await $0.written(record) }
    }

    /// Writes what a request sends, behind the bytes that are there.
    ///
    /// - Parameters:
    ///   - offset: Where the request says that its bytes begin.
    ///   - isLast: Whether the file ends with them, whatever its announced size.
    ///   - body: Hands each piece to the function it is given.
    /// - Returns: The bytes that are there now, and what is known of the file if it is whole.
    func receive(
        _ record: ImportRecord, at offset: Int, isLast: Bool,
        _ body: (_ write: ([UInt8]) async throws -> Void) async throws -> Void
    ) async throws -> (offset: Int, file: FileInfo?) {
        try await alone(with: record) { desk in
            guard try await desk.written(record, expected: offset) == offset, var held = desk.take(record.id) else {
                throw OffsetMismatch(offset: try await desk.written(record))
            }
            let limit = record.size ?? desk.store.settings.maximumFileBytes
            do {
                try await body { bytes in
                    guard held.written + bytes.count <= limit else {
                        throw Problem.contentTooLarge(
                            "the file would have more than the \(limit) bytes that it may have")
                    }
                    try await held.upload.write(bytes)
                    held.written += bytes.count
                }
            } catch {
                // What came before the cut is kept.
                if !(error is FileStorageError) { desk.put(held, record.id) }
                throw error
            }
            guard isLast || held.written == record.size else {
                desk.put(held, record.id)
                return (held.written, nil)
            }
            guard record.size.map({ $0 == held.written }) ?? true else {
                desk.put(held, record.id)
                throw Problem.unprocessable(
                    "the file has \(held.written) bytes, and \(record.size ?? 0) were announced; send the rest")
            }
            return (held.written, try await held.upload.finish())
        }
    }

    func forget(_ id: ImportID) { _ = take(id) }

    // MARK: - What is in hand

    /// Bytes of the upload that is in hand now.
    ///
    /// - Parameter expected: What the sender believes; if it is another number, the storage is asked.
    private func written(_ record: ImportRecord, expected: Int? = nil) async throws -> Int {
        if let held = state.withLock({ $0.held[record.id] }), expected == nil || held.written == expected {
            return held.written
        }
        _ = take(record.id)
        let upload = try await store.openUpload(of: record)
        put(Held(upload: upload, written: upload.durable, used: .now), record.id)
        return upload.durable
    }

    private func take(_ id: ImportID) -> Held? { state.withLock { $0.held.removeValue(forKey: id) } }

    private func put(_ held: Held, _ id: ImportID) {
        var held = held
        held.used = .now
        let kept = held
        state.withLock { state in
            let now = ContinuousClock.now
            state.held = state.held.filter { now - $0.value.used < Self.idle }
            if state.held.count >= Self.maximumHeld, let oldest = state.held.min(by: { $0.value.used < $1.value.used })
            {
                state.held[oldest.key] = nil
            }
            state.held[id] = kept
        }
    }

    private func alone<Value>(
        with record: ImportRecord, _ body: (UploadDesk) async throws -> Value
    ) async throws -> Value {
        guard state.withLock({ $0.busy.insert(record.id).inserted }) else {
            throw Problem(
                .conflict, code: "upload_busy", "another request is sending the file of \(record.id); wait for it",
                retryAfter: 1)
        }
        defer { state.withLock { _ = $0.busy.remove(record.id) } }
        return try await body(self)
    }
}

/// The sender begins elsewhere than the bytes end.
struct OffsetMismatch: Error {
    let offset: Int
}
