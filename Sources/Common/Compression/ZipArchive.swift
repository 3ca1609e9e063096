import CZlib

/// The list of files in a zip archive, read from its end.
///
/// Names, sizes and places come from the archive's directory, which is one; what stands before the files is looked at only
/// to find where their bytes begin. ZIP64 is understood; encrypted files are not.
public struct ZipArchive: Sendable {
    /// A file in an archive.
    public struct Entry: Sendable, Hashable, Codable {
        public let name: String
        public let method: UInt16
        public let isEncrypted: Bool
        public let crc: UInt32
        public let compressedSize: Int
        public let size: Int
        let headerOffset: Int
    }

    public let entries: [Entry]

    /// Bytes of the end that hold what leads to the directory: its record, a comment and ZIP64's locator.
    private static let endBytes = 22 + 65_535 + 20
    private static let maximumDirectoryBytes = 16 << 20
    private static let localHeaderBytes = 30

    /// Whether these first bytes are an archive's.
    public static func isArchive(_ firstBytes: some Collection<UInt8>) -> Bool {
        firstBytes.prefix(4).elementsEqual([0x50, 0x4B, 0x03, 0x04])
    }

    /// Reads the directory.
    ///
    /// - Parameters:
    ///   - size: Bytes of the archive.
    ///   - read: So many bytes from a place on; fewer where the archive ends.
    /// - Throws: ``ZipError``, or what `read` throws.
    public static func open(
        size: Int, read: (_ offset: Int, _ count: Int) async throws -> [UInt8]
    ) async throws -> ZipArchive {
        let tailStart = max(0, size - endBytes)
        let tail = try await read(tailStart, size - tailStart)
        guard let end = EndRecord(tail) else {
            throw ZipError.malformed("its directory is missing; the file may not be whole")
        }
        var (start, length, count) = (end.offset, end.size, end.count)
        if end.isZip64 {
            guard let locator = end.locator else { throw ZipError.malformed("its ZIP64 locator is missing") }
            let record = ZipBytes(try await read(locator, 56))
            guard locator < size, record.count == 56, record.u32(0) == 0x0606_4B50,
                let large = Int(exactly: record.u64(48)), let bytes = Int(exactly: record.u64(40)),
                let files = Int(exactly: record.u64(32))
            else { throw ZipError.malformed("its ZIP64 record is missing") }
            (start, length, count) = (large, bytes, files)
        }
        guard start <= size, length <= size - start else {
            throw ZipError.malformed("its directory lies behind its end")
        }
        guard length <= maximumDirectoryBytes else { throw ZipError.tooManyFiles }
        let directory = ZipBytes(try await read(start, length))
        var entries: [Entry] = []
        var at = 0
        while entries.count < count, at + 46 <= directory.count {
            guard directory.u32(at) == 0x0201_4B50 else { break }
            let nameLength = Int(directory.u16(at + 28))
            let extraLength = Int(directory.u16(at + 30))
            let commentLength = Int(directory.u16(at + 32))
            guard at + 46 + nameLength + extraLength <= directory.count else { break }
            if let entry = entry(directory, at, nameLength, extraLength) { entries.append(entry) }
            at += 46 + nameLength + extraLength + commentLength
        }
        guard entries.count == count else { throw ZipError.malformed("its directory is damaged") }
        return ZipArchive(entries: entries)
    }

    private static func entry(_ bytes: ZipBytes, _ at: Int, _ nameLength: Int, _ extraLength: Int) -> Entry? {
        var compressed = UInt64(bytes.u32(at + 20))
        var size = UInt64(bytes.u32(at + 24))
        var offset = UInt64(bytes.u32(at + 42))
        var extra = at + 46 + nameLength
        let end = extra + extraLength
        while extra + 4 <= end {
            let length = Int(bytes.u16(extra + 2))
            if bytes.u16(extra) == 1, extra + 4 + length <= end {
                // Those that do not fit into 32 bits, in this order.
                var field = extra + 4
                func next(_ value: inout UInt64) {
                    guard value == 0xFFFF_FFFF, field + 8 <= extra + 4 + length else { return }
                    value = bytes.u64(field)
                    field += 8
                }
                next(&size)
                next(&compressed)
                next(&offset)
            }
            extra += 4 + length
        }
        guard let compressed = Int(exactly: compressed), let size = Int(exactly: size),
            let offset = Int(exactly: offset)
        else { return nil }
        return Entry(
            name: String(decoding: bytes.slice(at + 46, nameLength), as: UTF8.self), method: bytes.u16(at + 10),
            isEncrypted: bytes.u16(at + 8) & 1 != 0, crc: bytes.u32(at + 16), compressedSize: compressed, size: size,
            headerOffset: offset)
    }

    /// The file that is meant: the first whose name ends so, else the only one there is.
    ///
    /// - Throws: ``ZipError`` if there is none, or it cannot be read.
    public func entry(endingIn suffixes: [String]) throws(ZipError) -> Entry {
        // What Macs put beside each file.
        let files = entries.filter { !$0.name.hasSuffix("/") && !$0.name.hasPrefix("__MACOSX/") }
        let found =
            files.first { file in suffixes.contains { file.name.lowercased().hasSuffix($0) } }
            ?? (files.count == 1 ? files.first : nil)
        guard let found else { throw .noSuchFile(names: files.prefix(5).map(\.name)) }
        guard !found.isEncrypted else { throw .encrypted(found.name) }
        guard found.method == 0 || found.method == 8 else { throw .method(found.name, found.method) }
        return found
    }

    /// Where the bytes of a file begin.
    ///
    /// - Throws: ``ZipError``, or what `read` throws.
    public static func dataOffset(
        of entry: Entry, size: Int, read: (_ offset: Int, _ count: Int) async throws -> [UInt8]
    ) async throws -> Int {
        guard entry.headerOffset <= size - localHeaderBytes else {
            throw ZipError.malformed("\(entry.name) lies behind its end")
        }
        let header = ZipBytes(try await read(entry.headerOffset, localHeaderBytes))
        guard header.count == localHeaderBytes, header.u32(0) == 0x0403_4B50 else {
            throw ZipError.malformed("\(entry.name) is not where the directory says")
        }
        let start = entry.headerOffset + localHeaderBytes + Int(header.u16(26)) + Int(header.u16(28))
        guard start <= size, entry.compressedSize <= size - start else {
            throw ZipError.malformed("\(entry.name) is cut off")
        }
        return start
    }
}

/// Adds up the check sum that zip and gzip have.
public struct CRC32: Sendable {
    public private(set) var value: UInt32 = 0

    public init() {}

    public mutating func add(_ bytes: [UInt8]) {
        value = bytes.withUnsafeBufferPointer { bytes in
            UInt32(truncatingIfNeeded: crc32_z(UInt(value), bytes.baseAddress, bytes.count))
        }
    }
}

/// What can be wrong with a zip archive.
public enum ZipError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed(String)
    case tooManyFiles
    case noSuchFile(names: [String])
    case encrypted(String)
    case method(String, UInt16)
    /// What came out is not what went in.
    case damaged(String)

    public var description: String {
        switch self {
        case .malformed(let reason): "the zip archive cannot be read: \(reason)"
        case .tooManyFiles: "the zip archive holds too many files"
        case .noSuchFile(let names):
            names.isEmpty
                ? "the zip archive holds no file"
                : "the zip archive holds several files, none of them .csv, .tsv, .jsonl: \(names.joined(separator: ", "))"
        case .encrypted(let name): "\(name) in the zip archive is encrypted; send it without a password"
        case .method(let name, let method):
            "\(name) in the zip archive is compressed by method \(method); only deflate is understood"
        case .damaged(let name): "\(name) in the zip archive is damaged: its check sum is another one"
        }
    }
}

/// The record at an archive's end.
private struct EndRecord {
    let count: Int
    let size: Int
    let offset: Int
    /// Place of ZIP64's record.
    let locator: Int?
    let isZip64: Bool

    init?(_ tail: [UInt8]) {
        let bytes = ZipBytes(tail)
        var at = tail.count - 22
        while at >= 0 {
            if bytes.u32(at) == 0x0605_4B50, at + 22 + Int(bytes.u16(at + 20)) == tail.count { break }
            at -= 1
        }
        guard at >= 0 else { return nil }
        count = Int(bytes.u16(at + 10))
        size = Int(bytes.u32(at + 12))
        offset = Int(bytes.u32(at + 16))
        isZip64 = count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF
        locator = at >= 20 && bytes.u32(at - 20) == 0x0706_4B50 ? Int(exactly: bytes.u64(at - 12)) : nil
    }
}

/// Little-endian numbers in bytes; whoever reads has checked that they are there.
private struct ZipBytes {
    private let bytes: [UInt8]
    var count: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func u16(_ at: Int) -> UInt16 { UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 }
    func u32(_ at: Int) -> UInt32 { UInt32(u16(at)) | UInt32(u16(at + 2)) << 16 }
    func u64(_ at: Int) -> UInt64 { UInt64(u32(at)) | UInt64(u32(at + 4)) << 32 }
    func slice(_ at: Int, _ length: Int) -> ArraySlice<UInt8> { bytes[at..<at + length] }
}
