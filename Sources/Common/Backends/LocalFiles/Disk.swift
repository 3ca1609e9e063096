import Common
import Dispatch
import Foundation

/// Calls that wait for a disk, on threads where they hold nobody up.
struct Disk: Sendable {
    private let queue = DispatchQueue(label: "files", attributes: .concurrent)

    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(FileStorageError) -> Value
    ) async throws(FileStorageError) -> Value {
        try await attempt(body).get()
    }

    func attempt<Value: Sendable>(
        _ body: @escaping @Sendable () throws(FileStorageError) -> Value
    ) async -> Result<Value, FileStorageError> {
        await withCheckedContinuation { continuation in
            queue.async {
                do throws(FileStorageError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
    }

    // MARK: - What there is

    struct Status {
        var inode: UInt64
        var size: Int
        var modified: Timestamp
        var isFile: Bool
        var isFolder: Bool

        init(_ status: stat) {
            inode = UInt64(status.st_ino)
            size = Int(status.st_size)
            modified = Timestamp(
                milliseconds: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
            isFile = status.st_mode & S_IFMT == S_IFREG
            isFolder = status.st_mode & S_IFMT == S_IFDIR
        }
    }

    static func status(_ path: String) -> Status? {
        var status = stat()
        return lstat(path, &status) == 0 ? Status(status) : nil
    }

    static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    // MARK: - Changes

    /// Makes a folder and those that it is in.
    static func makeFolder(_ path: String) throws(FileStorageError) {
        if status(path)?.isFolder == true { return }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty, parent != path { try makeFolder(parent) }
        if mkdir(path, 0o700) == 0 {
            try sync(folder: parent.isEmpty ? "." : parent)
        } else if errno != EEXIST || status(path)?.isFile == true {
            throw failure("make the folder", path)
        }
    }

    /// Writes a small file, which is there whole or not at all.
    static func write(_ bytes: [UInt8], to path: String) throws(FileStorageError) {
        let new = "\(path).\(UInt64.random(in: 0...UInt64.max))"
        do throws(FileStorageError) {
            let file = try OpenFile(new, O_WRONLY | O_CREAT | O_EXCL)
            try file.write(bytes)
            try file.sync()
            try rename(new, to: path)
        } catch {
            unlink(new)
            throw error
        }
    }

    static func rename(_ path: String, to new: String) throws(FileStorageError) {
        if Glibc.rename(path, new) != 0 { throw failure("make", new) }
    }

    static func remove(_ path: String) throws(FileStorageError) {
        if unlink(path) != 0, errno != ENOENT, errno != ENOTDIR { throw failure("remove", path) }
    }

    /// Has the disk know which names a folder has.
    static func sync(folder: String) throws(FileStorageError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw failure("write", folder) }
    }

    /// What the system said, by what is to be done.
    static func failure(_ verb: String, _ path: String) -> FileStorageError {
        let code = errno
        let reason = "cannot \(verb) \(path): \(String(cString: strerror(code)))"
        return switch code {
        case ENOSPC, EDQUOT, EFBIG: .full(reason)
        case ENOENT: .notFound(reason)
        case EACCES, EPERM, EROFS, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, EEXIST, ENOTEMPTY: .refused(reason)
        default: .unavailable(reason)
        }
    }
}

/// A file that is open, closed when nobody has it any more.
struct OpenFile: ~Copyable {
    private let descriptor: CInt
    private let path: String

    init(_ path: String, _ flags: CInt) throws(FileStorageError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 { throw Disk.failure("open", path) }
    }

    deinit { close(descriptor) }

    /// Keeps others from writing, as long as it is open; false if somebody does.
    borrowing func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    borrowing func status() throws(FileStorageError) -> Disk.Status {
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw Disk.failure("read", path) }
        return Disk.Status(status)
    }

    borrowing func write(_ bytes: [UInt8]) throws(FileStorageError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Disk.failure("write", path)
            }
            done += count
        }
    }

    borrowing func read(_ limit: Int, at offset: Int) throws(FileStorageError) -> [UInt8] {
        let size = try status().size
        let wanted = max(0, min(limit, size - offset))
        guard wanted > 0 else { return [] }
        var failure: FileStorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, done in
            while done < wanted {
                let count = pread(descriptor, buffer.baseAddress! + done, wanted - done, off_t(offset + done))
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure = Disk.failure("read", path) }
                if count <= 0 { break }
                done += count
            }
        }
        if let failure { throw failure }
        return bytes
    }

    borrowing func seek(to offset: Int) throws(FileStorageError) {
        if lseek(descriptor, off_t(offset), SEEK_SET) < 0 { throw Disk.failure("write", path) }
    }

    /// Takes away what is behind a place, and goes on there.
    borrowing func truncate(to size: Int) throws(FileStorageError) {
        if ftruncate(descriptor, off_t(size)) != 0 { throw Disk.failure("write", path) }
        try seek(to: size)
    }

    borrowing func sync() throws(FileStorageError) {
        if fsync(descriptor) != 0 { throw Disk.failure("write", path) }
    }
}
