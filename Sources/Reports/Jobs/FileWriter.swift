import Common
import Crypto
import Glibc
import ServiceKit

/// Writes a file from front to back, and knows its length and its SHA-256.
struct FileWriter: ~Copyable {
    let path: String
    private let descriptor: CInt
    private var buffer: [UInt8] = []
    private var hash = SHA256()
    private(set) var bytes = 0
    private static let chunk = 1 << 20

    /// Makes the file, or empties it.
    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw FileFailure.error("make", path) }
        buffer.reserveCapacity(Self.chunk + 65_536)
    }

    deinit { close(descriptor) }

    mutating func write(_ bytes: some Sequence<UInt8>) throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.chunk { try flush() }
    }

    mutating func write(_ text: String) throws { try write(text.utf8) }

    private mutating func flush() throws {
        hash.update(data: buffer)
        bytes += buffer.count
        var done = 0
        while done < buffer.count {
            let count = buffer.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure.error("write", path)
            }
            done += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Ends the file, which is then on the disk.
    ///
    /// - Returns: Its SHA-256, in hexadecimal.
    mutating func finish() throws -> String {
        try flush()
        if fsync(descriptor) != 0 { throw FileFailure.error("write", path) }
        return hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

/// What a disk says, as what is to be done: a full one may have room later.
enum FileFailure {
    static func error(_ verb: String, _ path: String) -> JobFailure {
        let code = errno
        let reason = "cannot \(verb) \(path): \(String(cString: strerror(code)))"
        switch code {
        case ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, ESTALE, ETIMEDOUT: return .unavailable(reason)
        default: return .rejected(reason)
        }
    }
}
