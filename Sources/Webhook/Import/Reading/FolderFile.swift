import Common
import Foundation
import Glibc

/// A file in the folder from which the operator lets be imported.
struct FolderFile: Sendable {
    let path: String
    let size: Int

    /// - Parameter name: Names joined by `/`, from the folder on.
    /// - Throws: ``SourceError`` if it is not there, leads out of the folder, or is no file.
    init(_ name: String, in folder: String) throws(SourceError) {
        guard let root = Self.real(folder) else {
            throw .refused("the folder of imports, \(folder), is not there; the operator sets imports.folder")
        }
        guard let path = Self.real(root + "/" + name), path.hasPrefix(root + "/") else {
            throw .refused("there is no file `\(name)` in the folder of imports")
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .refused("`\(name)` in the folder of imports is no file")
        }
        self.path = path
        size = Int(status.st_size)
    }

    /// Without links and dots.
    private static func real(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    var bytes: SourceBytes {
        SourceBytes(size: size) { [path] offset, count in
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else {
                throw SourceError.refused("\(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            defer { close(file) }
            return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                while filled < count {
                    let got = pread(
                        file, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                    if got < 0, errno == EINTR { continue }
                    guard got >= 0 else {
                        throw SourceError.unavailable("\(path) cannot be read: \(String(cString: strerror(errno)))")
                    }
                    if got == 0 { return }
                    filled += got
                }
            }
        }
    }
}

/// Why the bytes of a file cannot be had, by what to do next.
enum SourceError: Error, Sendable, CustomStringConvertible {
    /// Now or later.
    case refused(String)
    /// Later perhaps.
    case unavailable(String)

    var description: String {
        switch self {
        case .refused(let reason), .unavailable(let reason): reason
        }
    }
}
