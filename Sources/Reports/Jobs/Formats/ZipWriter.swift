import Compression
import ServiceKit

/// A zip archive that is written from front to back, its parts compressed as they come.
///
/// Times are not kept: the same parts are the same bytes. No part, and not the whole, may have 4 GiB.
final class ZipWriter {
    private struct Part {
        var name: String
        var offset: Int
        var sum: UInt32 = 0xFFFF_FFFF
        var size = 0
        var compressed = 0
    }
    private var parts: [Part] = []
    private var deflater: Deflater?
    private var isOpen = false
    private var offset = 0
    private var buffer: [UInt8] = []

    init() {}

    /// Begins a part; the one before is over.
    func begin(_ name: String, to file: inout FileWriter) throws {
        try endPart(to: &file)
        parts.append(Part(name: name, offset: offset))
        deflater = try Deflater(.deflate)
        isOpen = true
        // Sum and sizes follow the part: bit 3.
        var head: [UInt8] = [0x50, 0x4B, 3, 4, 20, 0, 8, 8, 8, 0, 0, 0, 0x21, 0]
        head += Self.bytes(0, 4) + Self.bytes(0, 4) + Self.bytes(0, 4)
        head += Self.bytes(name.utf8.count, 2) + Self.bytes(0, 2) + Array(name.utf8)
        try put(head, to: &file)
    }

    func write(_ bytes: [UInt8], to file: inout FileWriter) throws {
        guard !parts.isEmpty else { return }
        parts[parts.count - 1].size += bytes.count
        parts[parts.count - 1].sum = Self.sum(bytes, parts[parts.count - 1].sum)
        deflater?.write(bytes, to: &buffer)
        if buffer.count > 65_536 { try flush(to: &file) }
    }

    /// Writes what tells where the parts are.
    func finish(to file: inout FileWriter) throws {
        try endPart(to: &file)
        let start = offset
        for part in parts {
            var entry: [UInt8] = [0x50, 0x4B, 1, 2, 20, 0, 20, 0, 8, 8, 8, 0, 0, 0, 0x21, 0]
            entry +=
                Self.bytes(Int(~part.sum), 4) + Self.bytes(part.compressed, 4) + Self.bytes(part.size, 4)
            entry += Self.bytes(part.name.utf8.count, 2) + Self.bytes(0, 12) + Self.bytes(part.offset, 4)
            try put(entry + Array(part.name.utf8), to: &file)
        }
        var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
        end += Self.bytes(parts.count, 2) + Self.bytes(parts.count, 2)
        end += Self.bytes(offset - start, 4) + Self.bytes(start, 4) + Self.bytes(0, 2)
        try put(end, to: &file)
    }

    private func endPart(to file: inout FileWriter) throws {
        guard isOpen, let last = parts.indices.last else { return }
        deflater?.finish(to: &buffer)
        deflater = nil
        isOpen = false
        try flush(to: &file)
        let part = parts[last]
        var tail: [UInt8] = [0x50, 0x4B, 7, 8]
        tail +=
            Self.bytes(Int(~part.sum), 4) + Self.bytes(part.compressed, 4) + Self.bytes(part.size, 4)
        try put(tail, to: &file)
        guard offset < 1 << 32, part.size < 1 << 32 else {
            throw JobFailure.rejected(
                "the file would be larger than 4 GiB; ask for a shorter range, or for CSV")
        }
    }

    private func flush(to file: inout FileWriter) throws {
        parts[parts.count - 1].compressed += buffer.count
        try put(buffer, to: &file)
        buffer.removeAll(keepingCapacity: true)
    }

    private func put(_ bytes: [UInt8], to file: inout FileWriter) throws {
        offset += bytes.count
        try file.write(bytes)
    }

    private static func bytes(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    // MARK: - CRC-32

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ sum >> 1 : sum >> 1 }
    }

    private static func sum(_ bytes: [UInt8], _ before: UInt32) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            bytes.withUnsafeBufferPointer { bytes in
                var sum = before
                for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ sum >> 8 }
                return sum
            }
        }
    }
}
