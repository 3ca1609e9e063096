public import Common

/// A file storage to be put to the test.
public struct FileStorageBench: Sendable {
    /// Opens the storage; called again, it opens the same files.
    public let open: @Sendable () async throws -> any FileStorage

    public init(open: @escaping @Sendable () async throws -> any FileStorage) { self.open = open }
}

/// One thing that a file storage must do.
public struct FileStorageBehaviour: Sendable, CustomStringConvertible {
    /// What it is, as a sentence.
    public let description: String
    private let body: @Sendable (FileStorageBench) async throws -> Void

    init(_ description: String, _ body: @escaping @Sendable (FileStorageBench) async throws -> Void) {
        self.description = description
        self.body = body
    }

    /// Puts a storage to the test; issues are recorded in the test that calls it.
    public func check(_ bench: FileStorageBench) async throws { try await body(bench) }
}

/// What a file storage is: every backend does all of this.
public enum FileStorageConformance {
    public static let behaviours: [FileStorageBehaviour] = writing + reading + removing
}

enum TestFiles {
    static let a = WorkspaceID("ws_a")!
    static let b = WorkspaceID("ws_b")!

    static func key(_ path: String, _ workspace: WorkspaceID = a) -> FileKey { FileKey(workspace, path)! }

    /// Bytes that no two places have alike.
    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            for i in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                buffer[i] = UInt8(truncatingIfNeeded: state >> 33)
            }
            done = count
        }
    }

    static func pieces(_ bytes: [UInt8], of size: Int) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
    }
}
