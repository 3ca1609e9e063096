import Common
import Foundation
import Glibc

/// The folder of everything that an embedded server keeps, held by one process at a time; where roles run apart, of
/// their keys and locks, each role's held by one process.
///
/// `log/` the event log · `spool/` what waits for a log elsewhere · `files/` what reports and imports keep ·
/// `<service>.sqlite` each service's tables · `keys/master.key` · `server.json` who serves it · `name` what it calls
/// itself where several share a database.
struct DataFolder: Sendable {
    let path: String

    /// - Throws: ``SettingsError`` if the folder cannot be made.
    init(_ path: String) throws {
        self.path = path
        for folder in [path, path + "/log", path + "/keys"] {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw SettingsError("data", "cannot make the folder \(folder): \(error.localizedDescription)")
            }
        }
    }

    var log: String { path + "/log" }
    var spool: String { path + "/spool" }
    var files: String { path + "/files" }
    var printing: String { path + "/printing" }
    func database(of service: String) -> String { "\(path)/\(service).sqlite" }
    private var serverFile: String { path + "/server.json" }

    /// The master key; made if there is none yet.
    func masterKey() throws -> [UInt8] {
        let file = path + "/keys/master.key"
        if let text = try? String(contentsOfFile: file, encoding: .utf8) {
            guard let key = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)), key.count == 32
            else {
                throw SettingsError("master_key", "\(file) does not hold 32 bytes in base 64; restore it from a backup")
            }
            return Array(key)
        }
        let key = (0..<32).map { _ in UInt8.random(in: 0...255) }
        try write(key, to: file)
        return key
    }

    var hasMasterKey: Bool { FileManager.default.fileExists(atPath: path + "/keys/master.key") }

    func isSame(as other: DataFolder) -> Bool {
        let (mine, others) = (URL(fileURLWithPath: path), URL(fileURLWithPath: other.path))
        return mine.resolvingSymlinksInPath().path == others.resolvingSymlinksInPath().path
    }

    /// Keeps a master key that was made elsewhere.
    ///
    /// - Throws: ``SettingsError`` if the folder has another one.
    func keep(masterKey key: [UInt8]) throws {
        let file = path + "/keys/master.key"
        guard FileManager.default.fileExists(atPath: file) else { return try write(key, to: file) }
        guard try masterKey() == key else {
            throw SettingsError("master_key", "\(file) holds another key; give an empty folder")
        }
    }

    private func write(_ key: [UInt8], to file: String) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw SettingsError("master_key", "cannot write \(file)") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data((Data(key).base64EncodedString() + "\n").utf8))
        try handle.synchronize()
    }

    /// The folder's own name among all folders; made if it has none yet.
    func name() throws -> String {
        let file = path + "/name"
        if let text = try? String(contentsOfFile: file, encoding: .utf8), !text.isEmpty { return text }
        let name = UUID().uuidString.lowercased()
        try Data(name.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        return name
    }

    /// Takes the folder for this process, or some roles in it; nil if another process has it, or them.
    func claim(_ roles: [RoleName] = []) -> DataFolderClaim? {
        DataFolderClaim(roles.isEmpty ? ["\(path)/earshot.lock"] : roles.map { "\(path)/\($0.rawValue).lock" })
    }

    /// Tells other commands who serves this folder.
    func announce(url: String) throws {
        try Data(#"{"url":"\#(url)","pid":\#(getpid())}"#.utf8).write(
            to: URL(fileURLWithPath: serverFile), options: .atomic)
    }

    /// The address of the server that has this folder, if it told.
    func announcedURL() -> String? {
        guard let data = FileManager.default.contents(atPath: serverFile),
            let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else { return nil }
        return object["url"] as? String
    }

    func withdraw() { try? FileManager.default.removeItem(atPath: serverFile) }
}

/// A data folder in this process's hands; the kernel lets go of it when the process ends, however it ends.
final class DataFolderClaim: Sendable {
    private let descriptors: [Int32]

    fileprivate init?(_ files: [String]) {
        var descriptors: [Int32] = []
        for file in files {
            let opened = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            if opened >= 0 { descriptors.append(opened) }
            guard opened >= 0, flock(opened, LOCK_EX | LOCK_NB) == 0 else {
                for descriptor in descriptors { close(descriptor) }
                return nil
            }
        }
        self.descriptors = descriptors
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
