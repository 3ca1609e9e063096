import Common
import Synchronization

/// A file that is being written, part by part: one on its way while the next is filled.
final class S3Upload: FileUpload {
    struct Part: Sendable {
        /// What the service calls it.
        var tag: String
        /// In base 64.
        var sum: String?
        var size: Int
    }
    private struct State {
        var buffer: [UInt8] = []
        /// nil where bytes were written by another process, whose sum is not known.
        var sum: FileSum?
        var parts: [Part]
        var sending: Task<Result<Part, FileStorageError>, Never>?
        /// No more bytes are taken.
        var isOver = false
        /// It is finished or abandoned.
        var isSettled = false
    }

    let key: FileKey
    private let name: UploadName
    /// nil is known by the service alone.
    private let contentType: String?
    private let files: S3Files
    private let state: Mutex<State>

    init(_ name: UploadName, _ key: FileKey, contentType: String?, parts: [Part], of files: S3Files) {
        self.name = name
        self.key = key
        self.contentType = contentType
        self.files = files
        state = Mutex(State(sum: parts.isEmpty && contentType != nil ? FileSum() : nil, parts: parts))
    }

    var id: String { name.id(of: key) }
    var durable: Int { state.withLock { $0.parts.reduce(0) { $0 + $1.size } } }
    private var object: String { files.object(key) }
    private var client: S3Client { files.client }
    private var over: FileStorageError { .refused("the upload of \(key) is over") }

    func write(_ bytes: [UInt8]) async throws(FileStorageError) {
        let isOver = state.withLock { state in
            guard !state.isOver else { return true }
            state.buffer += bytes
            state.sum?.add(bytes)
            return false
        }
        guard !isOver else { throw over }
        let size = files.settings.partBytes
        while true {
            let part: [UInt8]? = state.withLock { state in
                guard state.buffer.count >= size else { return nil }
                let part = Array(state.buffer.prefix(size))
                state.buffer.removeFirst(size)
                return part
            }
            guard let part else { return }
            try await send(part)
        }
    }

    /// Waits for the part before, and lets this one go.
    private func send(_ bytes: [UInt8]) async throws(FileStorageError) {
        try await sent()
        if Task.isCancelled { throw .cancelled }
        state.withLock { state in
            let number = state.parts.count + 1
            state.sending = Task { [client, object, upload = name.upload] in
                await Self.put(bytes, number, object, upload, client)
            }
        }
    }

    private static func put(
        _ bytes: [UInt8], _ number: Int, _ object: String, _ upload: String, _ client: S3Client
    ) async -> Result<Part, FileStorageError> {
        let sum = S3Files.base64(FileSum.of(bytes))
        do throws(FileStorageError) {
            let answer = try await client.send(
                "PUT", object, query: [("partNumber", String(number)), ("uploadId", upload)],
                headers: [("x-amz-checksum-sha256", sum)], body: bytes)
            guard let tag = answer["ETag"] else {
                throw .unavailable("\(client.settings.place) did not say what part \(number) of \(object) is called")
            }
            return .success(Part(tag: tag, sum: sum, size: bytes.count))
        } catch .notFound {
            return .failure(.notFound("the upload of \(object) was abandoned, or its folder deleted"))
        } catch {
            return .failure(error)
        }
    }

    private func sent() async throws(FileStorageError) {
        guard let sending = state.withLock({ $0.sending }) else { return }
        let outcome = await withTaskCancellationHandler {
            await sending.value
        } onCancel: {
            sending.cancel()
        }
        let failure: FileStorageError? = state.withLock { state in
            state.sending = nil
            switch outcome {
            case .success(let part): state.parts.append(part)
            case .failure(let error):
                // Bytes are gone: only another upload, or this one resumed, can be whole.
                state.isOver = true
                return error
            }
            return nil
        }
        if let failure { throw failure }
    }

    func finish() async throws(FileStorageError) -> FileInfo {
        try await sent()
        let (isOver, rest, sum, hasNoPart) = state.withLock { state in
            defer { state.isOver = true }
            return (state.isOver, state.buffer, state.sum, state.parts.isEmpty)
        }
        guard !isOver else { throw over }
        if !rest.isEmpty || hasNoPart {
            try await send(rest)
            try await sent()
        }
        if let sum {
            try await keep(sum.text)
            try await join()
            return FileInfo(
                key: key, size: sum.count, sha256: sum.text, contentType: contentType ?? "", modified: client.now())
        }
        try await join()
        return try await addUp()
    }

    /// Makes one object of the parts.
    private func join() async throws(FileStorageError) {
        let parts = state.withLock { $0.parts }
        let list = parts.enumerated().map { index, part in
            let sum = part.sum.map { "<ChecksumSHA256>\($0)</ChecksumSHA256>" } ?? ""
            let tag = part.tag.filter { $0 != "\"" }
            return "<Part><PartNumber>\(index + 1)</PartNumber><ETag>&quot;\(tag)&quot;</ETag>\(sum)</Part>"
        }
        let body =
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(list.joined())</CompleteMultipartUpload>"
        do throws(FileStorageError) {
            _ = try await client.send("POST", object, query: [("uploadId", name.upload)], body: Array(body.utf8))
        } catch .notFound(let reason) {
            // An attempt whose answer was lost may have joined them.
            let found = try await client.send("HEAD", object, accepting: [404])
            guard found.status != 404, found[S3Files.uploadHeader] == name.own else { throw .notFound(reason) }
        }
        state.withLock { $0.isSettled = true }
    }

    private func keep(_ sum: String) async throws(FileStorageError) {
        _ = try await client.send(
            "PUT", files.sumObject(key, name.own), headers: [("Content-Type", "text/plain")], body: Array(sum.utf8))
    }

    /// The sum of what other processes have written, too.
    private func addUp() async throws(FileStorageError) -> FileInfo {
        var sum = FileSum()
        while case let bytes = try await files.read(key, from: sum.count, limit: 4 << 20), !bytes.isEmpty {
            sum.add(bytes)
        }
        try await keep(sum.text)
        guard let info = try await files.info(key), info.size == sum.count else {
            throw .damaged("\(key) is not there as it was written")
        }
        return info
    }

    func abandon() async {
        let (isSettled, sending) = state.withLock { state in
            defer {
                state.isOver = true
                state.isSettled = true
                state.buffer = []
                state.sending = nil
            }
            return (state.isSettled, state.sending)
        }
        if isSettled { return }
        sending?.cancel()
        _ = await sending?.value
        // A task that is cancelled tidies up all the same.
        await Task { [files, object, upload = name.upload] in try? await files.abort(object, upload) }.value
    }
}
