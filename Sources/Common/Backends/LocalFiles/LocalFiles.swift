import ByteJSON
public import Common
import Foundation

/// Files in a folder of this machine, or in one that several machines mount.
///
/// `<workspace>/<path>` are the files; `.info/` has what is known of each; `.uploads/` what is not finished. A file appears
/// by a rename, after its bytes and what is known of it are on the disk.
public final class LocalFiles: FileStorage {
    public let folder: String
    private let disk = Disk()

    /// - Throws: ``FileStorageError`` if the folder cannot be made.
    public init(folder: String) throws {
        self.folder = folder
        try Disk.makeFolder(folder + "/.uploads")
    }

    public var place: String { "the folder \(folder)" }

    func path(_ key: FileKey) -> String { "\(folder)/\(key.workspace)/\(key.path)" }
    func infoPath(_ key: FileKey) -> String { "\(folder)/.info/\(key.workspace)/\(key.path).json" }
    private func path(_ folder: FileFolder) -> String { path(folder, in: self.folder) }
    private func infoPath(_ folder: FileFolder) -> String { path(folder, in: self.folder + "/.info") }
    private func path(_ folder: FileFolder, in root: String) -> String {
        "\(root)/\(folder.workspace)" + (folder.path.isEmpty ? "" : "/\(folder.path)")
    }
    private var uploads: String { folder + "/.uploads" }
    func partPath(_ id: String) -> String { "\(uploads)/\(id).part" }
    func aboutPath(_ id: String) -> String { "\(uploads)/\(id).json" }

    // MARK: - Writing

    public func begin(_ key: FileKey, contentType: String) async throws(FileStorageError) -> any FileUpload {
        let id = Base32.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
        return try await disk.run { () throws(FileStorageError) in
            let about: JSON = [
                "workspace": .string(key.workspace.rawValue), "path": .string(key.path), "type": .string(contentType),
            ]
            try Disk.write(about.bytes, to: self.aboutPath(id))
            let file = try OpenFile(self.partPath(id), O_WRONLY | O_CREAT | O_EXCL)
            return try LocalUpload(id, key, contentType, file, sum: FileSum(), of: self, disk: self.disk)
        }
    }

    public func resume(_ id: String, of key: FileKey) async throws(FileStorageError) -> any FileUpload {
        try await disk.run { () throws(FileStorageError) in
            guard let about = self.about(id), about.key == key else {
                throw .notFound("no upload \(id.prefix(40)) of \(key) is open; begin again")
            }
            let file: OpenFile
            do throws(FileStorageError) {
                file = try OpenFile(self.partPath(id), O_RDWR)
            } catch .notFound {
                throw .notFound("the upload \(id) of \(key) is finished or abandoned")
            }
            // Whoever has just let go of it may not have closed it yet.
            var isLocked = file.lock()
            for _ in 0..<20 where !isLocked {
                usleep(10_000)
                isLocked = file.lock()
            }
            guard isLocked else {
                throw .unavailable("the upload \(id) of \(key) is being written", retryAfter: .seconds(1))
            }
            var sum = FileSum()
            while case let bytes = try file.read(1 << 20, at: sum.count), !bytes.isEmpty { sum.add(bytes) }
            try file.seek(to: sum.count)
            return try LocalUpload(id, key, about.contentType, file, sum: sum, of: self, disk: self.disk)
        }
    }

    /// What an upload was begun for.
    private func about(_ id: String) -> (key: FileKey, contentType: String)? {
        guard id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }),
            let bytes = FileManager.default.contents(atPath: aboutPath(id)),
            let root = try? JSONDocument(parsing: Array(bytes)).root,
            let workspace = root["workspace"]?.string.flatMap({ WorkspaceID($0) }),
            let key = root["path"]?.string.flatMap({ FileKey(workspace, $0) })
        else { return nil }
        return (key, root["type"]?.string ?? "application/octet-stream")
    }

    func forget(upload id: String) {
        unlink(partPath(id))
        unlink(aboutPath(id))
    }

    public func abandonUploads(before time: Timestamp) async throws(FileStorageError) -> Int {
        try await disk.run { () throws(FileStorageError) in
            var count = 0
            for id in Set(Disk.names(in: self.uploads).compactMap { $0.split(separator: ".").first.map(String.init) }) {
                let touched = [self.partPath(id), self.aboutPath(id)].compactMap { Disk.status($0)?.modified }.max()
                guard let touched, touched < time else { continue }
                // Whoever writes has the lock.
                if let file = try? OpenFile(self.partPath(id), O_RDWR), !file.lock() { continue }
                self.forget(upload: id)
                count += 1
            }
            // What is known of an upload is written beside its name first; a kill in between leaves that.
            for name in Disk.names(in: self.uploads) where name.contains(".json.") {
                let path = "\(self.uploads)/\(name)"
                if let modified = Disk.status(path)?.modified, modified < time { unlink(path) }
            }
            return count
        }
    }

    // MARK: - Reading

    public func info(_ key: FileKey) async throws(FileStorageError) -> FileInfo? {
        try await disk.run { () throws(FileStorageError) in
            let file: OpenFile
            do throws(FileStorageError) {
                file = try OpenFile(self.path(key), O_RDONLY)
            } catch .notFound {
                return nil
            }
            let status = try file.status()
            guard status.isFile else { return nil }
            if let known = KnownInfo(at: self.infoPath(key)), known.inode == status.inode, known.size == status.size {
                return FileInfo(
                    key: key, size: known.size, sha256: known.sha256, contentType: known.contentType,
                    modified: status.modified)
            }
            // Another program put it there, or a backup: what is known is made again.
            var sum = FileSum()
            while case let bytes = try file.read(1 << 20, at: sum.count), !bytes.isEmpty { sum.add(bytes) }
            let before = KnownInfo(at: self.infoPath(key))?.contentType
            let known = KnownInfo(
                inode: status.inode, size: sum.count, sha256: sum.text,
                contentType: before ?? "application/octet-stream")
            try known.write(to: self.infoPath(key))
            return FileInfo(
                key: key, size: known.size, sha256: known.sha256, contentType: known.contentType,
                modified: status.modified)
        }
    }

    public func read(_ key: FileKey, from offset: Int, limit: Int) async throws(FileStorageError) -> [UInt8] {
        try await disk.run { () throws(FileStorageError) in
            let file: OpenFile
            do throws(FileStorageError) {
                file = try OpenFile(self.path(key), O_RDONLY)
            } catch .notFound {
                throw .notFound("no file \(key) in \(self.place)")
            }
            return try file.read(limit, at: offset)
        }
    }

    public func list(_ folder: FileFolder, after path: String?, limit: Int) async throws(FileStorageError)
        -> [FileEntry]
    {
        try await disk.run { () throws(FileStorageError) in
            Array(self.files(in: folder).lazy.filter { path == nil || $0.key.path > path! }.prefix(min(limit, 1000)))
        }
    }

    /// All files of a folder, in the order of their paths.
    private func files(in folder: FileFolder) -> [FileEntry] {
        var found: [FileEntry] = []
        func add(_ path: String) {
            let place = "\(self.folder)/\(folder.workspace)/\(path)"
            for name in Disk.names(in: place) where !name.hasPrefix(".") {
                let inner = path.isEmpty ? name : "\(path)/\(name)"
                guard let status = Disk.status("\(self.folder)/\(folder.workspace)/\(inner)") else { continue }
                if status.isFolder {
                    add(inner)
                } else if status.isFile, let key = FileKey(folder.workspace, inner) {
                    found.append(FileEntry(key: key, size: status.size, modified: status.modified))
                }
            }
        }
        add(folder.path)
        return found.sorted { $0.key < $1.key }
    }

    public func link(_ key: FileKey, for duration: Duration, name: String) async throws(FileStorageError) -> String? {
        nil
    }

    // MARK: - Removing

    public func delete(_ key: FileKey) async throws(FileStorageError) {
        try await disk.run { () throws(FileStorageError) in try self.remove(key) }
    }

    private func remove(_ key: FileKey) throws(FileStorageError) {
        try Disk.remove(path(key))
        try Disk.remove(infoPath(key))
        for path in [path(key), infoPath(key)] { removeEmpty((path as NSString).deletingLastPathComponent) }
    }

    /// Removes a folder if it is empty, and then the one that it is in.
    private func removeEmpty(_ path: String) {
        var path = path
        while path.utf8.count > folder.utf8.count + 1, rmdir(path) == 0 {
            path = (path as NSString).deletingLastPathComponent
        }
    }

    /// Removes what is left of a folder whose files are gone: empty folders, and what is known of files that a writer did
    /// not live to make.
    private func removeRest(_ folder: FileFolder) {
        func remove(_ path: String, known: Bool) {
            for name in Disk.names(in: path) {
                let inner = "\(path)/\(name)"
                if Disk.status(inner)?.isFolder == true {
                    remove(inner, known: known)
                } else if known {
                    unlink(inner)
                }
            }
            rmdir(path)
        }
        let places = [path(folder), infoPath(folder)]
        remove(places[0], known: false)
        // Otherwise somebody has written there since.
        if Disk.status(places[0]) == nil { remove(places[1], known: true) }
        for place in places { removeEmpty((place as NSString).deletingLastPathComponent) }
    }

    public func deleteAll(in folder: FileFolder) async throws(FileStorageError) {
        try await disk.run { () throws(FileStorageError) in
            for name in Disk.names(in: self.uploads) where name.hasSuffix(".json") {
                let id = String(name.dropLast(5))
                if let about = self.about(id), folder.contains(about.key) { self.forget(upload: id) }
            }
            for file in self.files(in: folder) { try self.remove(file.key) }
            self.removeRest(folder)
        }
    }
}

/// What is kept of a file beside it.
struct KnownInfo {
    /// Of the file that this is about: another one may have taken its place.
    var inode: UInt64
    var size: Int
    var sha256: String
    var contentType: String

    init(inode: UInt64, size: Int, sha256: String, contentType: String) {
        self.inode = inode
        self.size = size
        self.sha256 = sha256
        self.contentType = contentType
    }

    init?(at path: String) {
        guard let bytes = FileManager.default.contents(atPath: path),
            let root = (try? JSONDocument(parsing: Array(bytes))).map({ JSON($0.root) }),
            let inode = root["inode"]?.string.flatMap({ UInt64($0) }), let size = root["size"]?.integer,
            let sha256 = root["sha256"]?.string, let contentType = root["type"]?.string
        else { return nil }
        self.init(inode: inode, size: Int(size), sha256: sha256, contentType: contentType)
    }

    func write(to path: String) throws(FileStorageError) {
        let json: JSON = [
            "inode": .string(String(inode)), "size": .integer(Int64(size)), "sha256": .string(sha256),
            "type": .string(contentType),
        ]
        try Disk.makeFolder((path as NSString).deletingLastPathComponent)
        try Disk.write(json.bytes, to: path)
    }
}
