import ArgumentParser
import Common
import Crypto
import Foundation

/// Where the rows come from.
struct ImportInput {
    let size: Int?
    private let handle: FileHandle
    private let isFile: Bool

    init(_ path: String) throws {
        guard path != "-" else {
            handle = .standardInput
            isFile = false
            size = nil
            return
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw ValidationError("the file \(path) cannot be read")
        }
        self.handle = handle
        isFile = true
        size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size].flatMap { ($0 as? NSNumber)?.intValue }
    }

    /// So many bytes of a file from a place on.
    func read(at offset: Int, _ count: Int) throws -> [UInt8] {
        try handle.seek(toOffset: UInt64(offset))
        return try read(count)
    }

    func read(_ count: Int) throws -> [UInt8] {
        try handle.read(upToCount: count).map(Array.init) ?? []
    }

    /// A key made of the content, so that the same file has the same key; what comes through a pipe gets a new one.
    func derivedKey() throws -> String {
        guard isFile else { return "import-" + JobID.make().rawValue.dropFirst(JobKind.prefix.count) }
        var hash = SHA256()
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
        try handle.seek(toOffset: 0)
        return "file-" + Base32.encode(hash.finalize().prefix(10))
    }
}
