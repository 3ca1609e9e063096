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
        let quota = try await quota(of: key)
        return LimitedUpload(try await base.begin(key, contentType: contentType), quota)
    }

    public func resume(_ id: String, of key: FileKey) async throws(FileStorageError) -> any FileUpload {
        let quota = try await quota(of: key)
        return LimitedUpload(try await base.resume(id, of: key), quota)
    }

    private func quota(of key: FileKey) async throws(FileStorageError) -> Quota {
        let quota = Quota(key: key, bytes: quota, used: try await base.size(of: FileFolder(key.workspace)))
        guard quota.used < quota.bytes else { throw quota.failure(1) }
        return quota
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

/// What a workspace may have and has, when a file of it is begun.
private struct Quota: Sendable {
    let key: FileKey
    let bytes: Int
    let used: Int

    /// - Parameter size: Bytes that the file has already, or would have next.
    func failure(_ size: Int) -> FileStorageError {
        .overQuota(
            """
            the quota of \(key.workspace) is \(Self.text(bytes)), its files have \(Self.text(used)), and \(key.path) needs \
            \(Self.text(size)) or more; delete reports and imports, or have the operator set EARSHOT_FILES_QUOTA_MEGABYTES
            """)
    }

    private static func text(_ size: Int) -> String { size < 1 << 20 ? "\(size) bytes" : "\(size >> 20) MiB" }
}

/// Writes no more than there is room for.
private final class LimitedUpload: FileUpload {
    private let base: any FileUpload
    private let quota: Quota
    private let size: Mutex<Int>

    init(_ base: any FileUpload, _ quota: Quota) {
        self.base = base
        self.quota = quota
        size = Mutex(base.durable)
    }

    var id: String { base.id }
    var key: FileKey { base.key }
    var durable: Int { base.durable }

    func write(_ bytes: [UInt8]) async throws(FileStorageError) {
        let size = size.withLock { size in
            size += bytes.count
            return size
        }
        guard quota.used + size <= quota.bytes else { throw quota.failure(size) }
        try await base.write(bytes)
    }

    func finish() async throws(FileStorageError) -> FileInfo { try await base.finish() }
    func abandon() async { await base.abandon() }
}
