import Common
import Foundation
import Synchronization

/// A file that is being written, in the folder of uploads.
final class LocalUpload: FileUpload {
    let id: String
    let key: FileKey
    private let contentType: String
    private let files: LocalFiles
    private let disk: Disk
    private struct State: ~Copyable {
        /// nil is finished or abandoned.
        var file: OpenFile?
        var sum: FileSum
        var durable: Int
    }
    private let state: Mutex<State>
    /// Bytes after which the disk is to have what was written.
    private static let synced = 32 << 20

    /// - Parameter sum: Of what the file has; it is on the disk when this returns.
    init(
        _ id: String, _ key: FileKey, _ contentType: String, _ file: consuming OpenFile, sum: FileSum,
        of files: LocalFiles, disk: Disk
    ) throws(FileStorageError) {
        _ = file.lock()
        try file.sync()
        self.id = id
        self.key = key
        self.contentType = contentType
        self.files = files
        self.disk = disk
        state = Mutex(State(file: file, sum: sum, durable: sum.count))
    }

    var durable: Int { state.withLock { $0.durable } }

    func write(_ bytes: [UInt8]) async throws(FileStorageError) {
        if Task.isCancelled { throw .cancelled }
        try await disk.run { () throws(FileStorageError) in
            try self.state.withLock { state throws(FileStorageError) in
                guard state.file != nil else { throw self.over }
                do throws(FileStorageError) {
                    try state.file?.write(bytes)
                    state.sum.add(bytes)
                    guard state.sum.count - state.durable >= Self.synced else { return }
                    try state.file?.sync()
                    state.durable = state.sum.count
                } catch {
                    // What is there now is not what was summed up.
                    try? state.file?.truncate(to: state.sum.count)
                    throw error
                }
            }
        }
    }

    func finish() async throws(FileStorageError) -> FileInfo {
        if Task.isCancelled { throw .cancelled }
        return try await disk.run { () throws(FileStorageError) in
            try self.state.withLock { state throws(FileStorageError) in
                guard state.file != nil, let status = try state.file?.status() else { throw self.over }
                try state.file?.sync()
                let sum = state.sum.text
                try self.publish(
                    KnownInfo(inode: status.inode, size: state.sum.count, sha256: sum, contentType: self.contentType))
                state.file = nil
                return FileInfo(
                    key: self.key, size: state.sum.count, sha256: sum, contentType: self.contentType,
                    modified: status.modified)
            }
        }
    }

    private func publish(_ known: KnownInfo) throws(FileStorageError) {
        let path = files.path(key)
        let part = files.partPath(id)
        guard Disk.status(part) != nil else { throw .notFound("\(key) was deleted while it was written") }
        try known.write(to: files.infoPath(key))
        let parent = (path as NSString).deletingLastPathComponent
        for attempt in 0..<4 {
            try Disk.makeFolder(parent)
            do throws(FileStorageError) {
                try Disk.rename(part, to: path)
                break
            } catch .notFound where attempt < 3 && Disk.status(part) != nil {
                // Somebody removed the folder, which was empty.
            }
        }
        try Disk.sync(folder: parent)
        unlink(files.aboutPath(id))
    }

    func abandon() async {
        _ = await disk.attempt { () throws(FileStorageError) in
            self.state.withLock { state in
                guard state.file != nil else { return }
                state.file = nil
                self.files.forget(upload: self.id)
            }
        }
    }

    private var over: FileStorageError { .refused("the upload \(id) of \(key) is over") }
}
