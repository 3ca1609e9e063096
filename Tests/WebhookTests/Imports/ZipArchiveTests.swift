import Compression
import Testing

@Suite struct ZipArchiveTests {
    /// An archive of these files, as programs write them: packed, then listed at the end.
    static func archive(_ files: [(name: String, bytes: [UInt8])], comment: String = "", crc: UInt32? = nil) throws
        -> [UInt8]
    {
        func u16(_ value: Int) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8 & 255)] }
        func u32(_ value: Int) -> [UInt8] { u16(value & 0xFFFF) + u16(value >> 16) }
        var out: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in files {
            let packed = try Deflater.deflate(bytes, as: .deflate)
            var sum = CRC32()
            sum.add(bytes)
            let facts =
                u16(8) + u16(0) + u16(0) + u32(Int(crc ?? sum.value)) + u32(packed.count) + u32(bytes.count)
                + u16(name.utf8.count)
            directory += [0x50, 0x4B, 1, 2] + u16(20) + u16(20) + u16(0) + facts
            directory += u16(0) + u16(0) + u16(0) + u16(0) + u32(0) + u32(out.count) + Array(name.utf8)
            out += [0x50, 0x4B, 3, 4] + u16(20) + u16(0) + facts + u16(0) + Array(name.utf8) + packed
        }
        let start = out.count
        out += directory + [0x50, 0x4B, 5, 6] + u16(0) + u16(0) + u16(files.count) + u16(files.count)
        return out + u32(directory.count) + u32(start) + u16(comment.utf8.count) + Array(comment.utf8)
    }

    private static func open(_ bytes: [UInt8]) async throws -> ZipArchive {
        try await ZipArchive.open(size: bytes.count) { Array(bytes[$0..<min(bytes.count, $0 + $1)]) }
    }

    @Test func theFileThatIsMeantIsFound() async throws {
        let bytes = try Self.archive(
            [("readme.md", []), ("data/r.CSV", Array("a,b\n".utf8))], comment: "PK\u{5}\u{6} not it")
        #expect(ZipArchive.isArchive(bytes))
        let archive = try await Self.open(bytes)
        #expect(archive.entries.map(\.name) == ["readme.md", "data/r.CSV"])
        let entry = try archive.entry(endingIn: [".csv"])
        #expect(entry.name == "data/r.CSV" && entry.size == 4)
        let start = try await ZipArchive.dataOffset(of: entry, size: bytes.count) {
            Array(bytes[$0..<min(bytes.count, $0 + $1)])
        }
        let plain = try Inflater.inflate(
            bytes[start..<start + entry.compressedSize], as: .deflate, limits: InflateLimits(maximumBytes: 100))
        #expect(String(decoding: plain, as: UTF8.self) == "a,b\n")
    }

    @Test func whatIsNoArchiveOrCutIsRefusedWhereverItIsCut() async throws {
        let bytes = try Self.archive([("a.csv", Array("a,b\n1,2\n".utf8)), ("b.md", [1])])
        for end in 0..<bytes.count {
            await #expect(throws: ZipError.self) { try await Self.open(Array(bytes[..<end])) }
        }
        let none = try await Self.open(Self.archive([("a.md", [1]), ("b.md", [2])]))
        #expect(throws: ZipError.self) { try none.entry(endingIn: [".csv"]) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var broken = bytes
            broken[Int.random(in: 0..<broken.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            // Whatever it says, it says it without a trap.
            guard let entry = try? await Self.open(broken).entry(endingIn: [".csv"]) else { continue }
            _ = try? await ZipArchive.dataOffset(of: entry, size: broken.count) {
                Array(broken[$0..<min(broken.count, $0 + $1)])
            }
        }
    }
}
