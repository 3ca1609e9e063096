/// Keeps files of workspaces: reports, imports. A folder, or a service elsewhere.
///
/// What it must do is defined by one conformance suite, `FileStorageConformance`, which every backend passes. Keys are
/// written once: a key that is written again shows the new file from the moment that it is finished.
public protocol FileStorage: Sendable {
    /// Where the files are, for people, without secrets: `the folder /var/lib/earshot/files`.
    var place: String { get }

    /// Begins a file, which nobody sees before ``FileUpload/finish()``.
    ///
    /// - Parameter contentType: What a download says that it is: `text/csv; charset=utf-8`.
    func begin(_ key: FileKey, contentType: String) async throws(FileStorageError) -> any FileUpload

    /// Writes a whole small file.
    @discardableResult
    func put(_ bytes: [UInt8], as key: FileKey, contentType: String) async throws(FileStorageError) -> FileInfo

    /// Goes on with a file that was begun, by this process or another one that has ended.
    ///
    /// - Parameters:
    ///   - id: The upload's ``FileUpload/id``.
    ///   - key: What it was begun for; another one's upload is not found.
    /// - Returns: The upload, where ``FileUpload/durable`` is what is to be written next.
    /// - Throws: ``FileStorageError/notFound(_:)`` if it was finished or abandoned.
    func resume(_ id: String, of key: FileKey) async throws(FileStorageError) -> any FileUpload

    /// What is known of a file; nil if there is none.
    func info(_ key: FileKey) async throws(FileStorageError) -> FileInfo?

    /// Reads a part of a file.
    ///
    /// - Returns: As many bytes as asked for, fewer where the file ends, none behind its end.
    func read(_ key: FileKey, from offset: Int, limit: Int) async throws(FileStorageError) -> [UInt8]

    /// Files of a folder, in the order of the bytes of their paths.
    ///
    /// - Parameters:
    ///   - path: Only those whose path comes after this one.
    ///   - limit: How many at the most, up to 1000.
    func list(_ folder: FileFolder, after path: String?, limit: Int) async throws(FileStorageError) -> [FileEntry]

    /// Removes a file. One that is not there stays so.
    func delete(_ key: FileKey) async throws(FileStorageError)

    /// Removes all files of a folder, and abandons what is begun in it.
    func deleteAll(in folder: FileFolder) async throws(FileStorageError)

    /// Abandons uploads that nobody has gone on with since a time.
    ///
    /// - Returns: How many.
    @discardableResult
    func abandonUploads(before time: Timestamp) async throws(FileStorageError) -> Int

    /// An address from which anybody can download the file for a while; nil where the storage has no address, and our own
    /// server hands out the file.
    ///
    /// - Parameters:
    ///   - duration: How long it is good for; a week is the most there is.
    ///   - name: What the download is called: `verbatims.csv`.
    func link(_ key: FileKey, for duration: Duration, name: String) async throws(FileStorageError) -> String?
}

/// A file that is being written. One task writes.
public protocol FileUpload: Sendable {
    /// Names it for ``FileStorage/resume(_:of:)``, also in another process.
    var id: String { get }
    var key: FileKey { get }
    /// Bytes that are kept, whatever happens to this process: the upload goes on behind them.
    var durable: Int { get }

    /// Adds bytes at the end. Memory holds a few megabytes at the most: it waits where the storage is slower.
    func write(_ bytes: [UInt8]) async throws(FileStorageError)

    /// Ends the file, which is then there, whole, for everybody, and stays there.
    ///
    /// - Returns: Its size and SHA-256, as the bytes were written.
    func finish() async throws(FileStorageError) -> FileInfo

    /// Removes what was written. Nothing happens after ``finish()``.
    func abandon() async
}

/// What is known of a file.
public struct FileInfo: Sendable, Hashable {
    public var key: FileKey
    public var size: Int
    /// In hexadecimal, of lower case.
    public var sha256: String
    public var contentType: String
    public var modified: Timestamp

    public init(key: FileKey, size: Int, sha256: String, contentType: String, modified: Timestamp) {
        self.key = key
        self.size = size
        self.sha256 = sha256
        self.contentType = contentType
        self.modified = modified
    }
}

/// A file in a list.
public struct FileEntry: Sendable, Hashable {
    public var key: FileKey
    public var size: Int
    public var modified: Timestamp

    public init(key: FileKey, size: Int, modified: Timestamp) {
        self.key = key
        self.size = size
        self.modified = modified
    }
}

/// What can go wrong with files, by what to do next.
public enum FileStorageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The disk is full, or a file may not be this large: make room; later it may go.
    case full(String)
    /// The workspace has as much as it may have: delete something.
    case overQuota(String)
    case notFound(String)
    /// The storage is down, busy or slow: try again, after this time if it says so.
    case unavailable(String, retryAfter: Duration? = nil)
    /// The storage does not let us, now or later: mend the settings or the rights.
    case refused(String)
    /// What is there is not what was written.
    case damaged(String)
    case cancelled

    public var description: String {
        switch self {
        case .full(let reason), .overQuota(let reason), .notFound(let reason), .unavailable(let reason, _),
            .refused(let reason), .damaged(let reason):
            reason
        case .cancelled: "cancelled"
        }
    }
}
