import ByteJSON
public import Common

/// Sends a file to an import, part by part, from wherever the server has it.
///
/// A part that did not arrive, or whose answer did not, costs a question and the bytes that the server lacks.
public struct FileSender: Sendable {
    /// How far the sending is.
    public struct Progress: Sendable, Hashable {
        /// Bytes that the server has.
        public var bytes = 0
        /// Requests that had to be sent again.
        public var retries = 0
        /// What is being waited for, if something is.
        public var trouble: String?
    }

    private let client: APIClient
    private let path: String
    private let partBytes: Int
    private let patience: Duration

    /// - Parameters:
    ///   - id: The import's id.
    ///   - patience: How long a server may be away.
    public init(client: APIClient, import id: String, partBytes: Int = 8 << 20, patience: Duration = .seconds(300)) {
        self.client = client
        path = "/v1/imports/\(id)/content"
        self.partBytes = partBytes
        self.patience = patience
    }

    /// Sends what the server lacks.
    ///
    /// - Parameters:
    ///   - read: So many bytes of the file from a place on.
    ///   - report: Told of every step.
    /// - Throws: ``APIFailure``, or what `read` throws.
    @discardableResult
    public func run(
        size: Int, read: (_ offset: Int, _ count: Int) throws -> [UInt8], report: (Progress) -> Void = { _ in }
    ) async throws -> Progress {
        var progress = Progress()
        var isKnown = false
        var failedSince: ContinuousClock.Instant?
        var failures = 0
        while true {
            do {
                if !isKnown {
                    let answer = try await client.send("HEAD", path)
                    progress.bytes = answer["Upload-Offset"].flatMap { Int($0) } ?? 0
                    if answer["Upload-Complete"] == "?1" { return progress }
                    isKnown = true
                }
                let part = try read(progress.bytes, min(partBytes, size - progress.bytes))
                let isLast = progress.bytes + part.count >= size
                let answer = try await client.send(
                    "PATCH", path,
                    headers: [
                        ("Upload-Offset", String(progress.bytes)), ("Upload-Complete", isLast ? "?1" : "?0"),
                        ("Content-Type", "application/partial-upload"),
                    ], body: part, contentType: nil)
                progress.bytes = answer["Upload-Offset"].flatMap { Int($0) } ?? progress.bytes + part.count
                progress.trouble = nil
                (failedSince, failures) = (nil, 0)
                report(progress)
                if answer["Upload-Complete"] == "?1" { return progress }
            } catch let failure as APIFailure where failure.isTransient || failure.isConflict {
                let since = failedSince ?? .now
                failedSince = since
                guard ContinuousClock.now - since < patience else { throw failure }
                failures += 1
                progress.retries += 1
                progress.trouble = failure.description
                isKnown = false
                report(progress)
                try await Task.sleep(for: failure.pause(failures))
            }
        }
    }
}

extension APIFailure {
    /// Whether what is there is not what the request took it for: ask, and go on from there.
    var isConflict: Bool {
        if case .refused(409, _, _) = self { true } else { false }
    }

    /// What the server asks for, else twice as long each time, up to some seconds, with jitter.
    public func pause(_ failures: Int) -> Duration {
        if case .refused(_, _, let seconds?) = self { return .seconds(min(seconds, 60)) }
        return .seconds(min(5, 0.1 * Double(1 << min(failures, 6))) * Double.random(in: 0.5...1))
    }
}
