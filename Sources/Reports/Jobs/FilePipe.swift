import Common
import Dispatch
import Synchronization

/// Brings the pieces of a file from a thread that makes them to a task that keeps them. It holds two at the most: the
/// thread waits where the task is slower.
final class FilePipe: Sendable {
    private let pieces: AsyncStream<[UInt8]>
    private let sender: AsyncStream<[UInt8]>.Continuation
    private let room = DispatchSemaphore(value: 0)
    private let failure = Mutex<(any Error)?>(nil)

    init() {
        (pieces, sender) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .unbounded)
        for _ in 0..<2 { room.signal() }
    }

    // MARK: - On the thread

    /// Has the thread write a file. It may wait, so it is none that others wait for.
    func write<Value>(_ body: (inout FileWriter) throws -> Value) throws -> Value {
        var file = FileWriter { try self.put($0) }
        let value = try body(&file)
        try file.finish()
        return value
    }

    private func put(_ piece: [UInt8]) throws {
        room.wait()
        if let failure = failure.withLock({ $0 }) {
            room.signal()
            throw failure
        }
        sender.yield(piece)
    }

    // MARK: - In the task

    /// Runs what has a thread write; nothing comes after it.
    func run<Value>(_ produce: (FilePipe) async throws -> Value) async throws -> Value {
        defer { sender.finish() }
        return try await produce(self)
    }

    /// Keeps the pieces as they come, until there are no more.
    ///
    /// - Throws: What the upload throws, and so does the thread then; `CancellationError`.
    func drain(into upload: any FileUpload) async throws {
        do {
            for await piece in pieces {
                try await upload.write(piece)
                room.signal()
            }
            try Task.checkCancellation()
        } catch {
            failure.withLock { $0 = error }
            room.signal()
            throw error
        }
    }
}

/// Runs what waits on a thread where it holds nobody up.
func onAThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "report").async { continuation.resume(with: Result { try body() }) }
    }
}
