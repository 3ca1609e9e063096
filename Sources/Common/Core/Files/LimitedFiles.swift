import Synchronization

/// Files of a storage, up to so many bytes a workspace.
///
/// What a workspace has is added up when a file is begun, so files that are written at the same time may go over the bound
/// by one another's size, never by more.
public struct LimitedFiles: FileStorage {
    private let base: any FileStorage
    /// Bytes that the files of a workspace may have together.
    public let quota: Int

    public init(_ base: any FileStorage, quota: Int) {
        self.base = base
        self.quota = quota
    }

    public var place: String { base.place }

    public func begin(_ key: FileKey, contentType: String) async throws(FileStorageError) -> any FileUpload {
        let room = try await room(key.workspace)
        return LimitedUpload(try await base.begin(key, contentType: contentType), room: room, quota: quota)
    }

    public func resume(_ id: String, of key: FileKey) async throws(FileStorageError) -> any FileUpload {
        let room = try await room(key.workspace)
        return LimitedUpload(try await base.resume(id, of: key), room: room, quota: quota)
    }

    private func room(_ workspace: WorkspaceID) async throws(FileStorageError) -> Int {
        let room = try await quota - base.size(of: FileFolder(workspace))
        guard room > 0 else { throw LimitedUpload.failure(workspace, quota) }
        return room
    }

    public func info(_ key: FileKey) async throws(FileStorageError) -> FileInfo? { try await base.info(key) }
    public func read(_ key: FileKey, from offset: Int, limit: Int) async throws(FileStorageError) -> [UInt8] {
        try await base.read(key, from: offset, limit: limit)
    }
    public func list(_ folder: FileFolder, after path: String?, limit: Int) async throws(FileStorageError)
        -> [FileEntry]
    {
        try await base.list(folder, after: path, limit: limit)
    }
    public func delete(_ key: FileKey) async throws(FileStorageError) { try await base.delete(key) }
    public func deleteAll(in folder: FileFolder) async throws(FileStorageError) {
        try await base.deleteAll(in: folder)
    }
    public func abandonUploads(before time: Timestamp) async throws(FileStorageError) -> Int {
        try await base.abandonUploads(before: time)
    }
    public func link(_ key: FileKey, for duration: Duration, name: String) async throws(FileStorageError) -> String? {
        try await base.link(key, for: duration, name: name)
    }
}

/// Writes no more than there is room for.
private final class LimitedUpload: FileUpload {
    private let base: any FileUpload
    private let quota: Int
    private let room: Mutex<Int>

    init(_ base: any FileUpload, room: Int, quota: Int) {
        self.base = base
        self.quota = quota
        self.room = Mutex(room - base.durable)
    }

    var id: String { base.id }
    var key: FileKey { base.key }
    var durable: Int { base.durable }

    func write(_ bytes: [UInt8]) async throws(FileStorageError) {
        let left = room.withLock { room in
            room -= bytes.count
            return room
        }
        guard left >= 0 else { throw Self.failure(key.workspace, quota) }
        try await base.write(bytes)
    }

    func finish() async throws(FileStorageError) -> FileInfo { try await base.finish() }
    func abandon() async { await base.abandon() }

    static func failure(_ workspace: WorkspaceID, _ quota: Int) -> FileStorageError {
        .overQuota(
            "the files of \(workspace) may have \(quota >> 20) MiB together; delete reports, or have the operator set EARSHOT_FILES_QUOTA_MEGABYTES"
        )
    }
}
