import Compression
import Testing

@Suite struct CompressionTests {
    static let text = Array(String(repeating: "The export fails. L’export échoue. ", count: 400).utf8)
    static let limits = InflateLimits(maximumBytes: 1 << 20)

    @Test(arguments: [CompressionFormat.gzip, .zlib, .deflate])
    func whatGoesInComesOut(_ format: CompressionFormat) throws {
        let packed = try Deflater.deflate(Self.text, as: format)
        #expect(packed.count < Self.text.count / 10)
        #expect(try Inflater.inflate(packed, as: format, limits: Self.limits) == Self.text)
    }

    @Test(arguments: [0, 1, 70_000, 1_000_000])
    func anyLengthSurvivesAnyChunking(_ count: Int) throws {
        var generator = SplitMix(seed: UInt64(count))
        let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 60) }
        var deflater = try Deflater(.gzip, level: 1)
        var packed: [UInt8] = []
        var at = 0
        while at < count {
            let end = min(count, at + Int(generator.next() % 9000) + 1)
            deflater.write(bytes[at..<end], to: &packed)
            at = end
        }
        deflater.finish(to: &packed)

        var inflater = try Inflater(.gzip, limits: InflateLimits(maximumBytes: 1_000_000))
        var unpacked: [UInt8] = []
        at = 0
        while at < packed.count {
            let end = min(packed.count, at + Int(generator.next() % 5000) + 1)
            inflater.feed(packed[at..<end])
            while try inflater.read(atMost: Int(generator.next() % 3000) + 1, into: &unpacked) > 0 {}
            at = end
        }
        try inflater.finish()
        #expect(unpacked == bytes)
    }

    @Test func longRunsComeOutInSmallReads() throws {
        let run = [UInt8](repeating: 0x41, count: 50_000)
        var inflater = try Inflater(.gzip, limits: InflateLimits(maximumBytes: run.count))
        inflater.feed(try Deflater.deflate(run))
        var unpacked: [UInt8] = []
        while try inflater.read(atMost: 7, into: &unpacked) > 0 {}
        try inflater.finish()
        #expect(unpacked == run)
    }

    @Test func membersFollowEachOther() throws {
        var packed = try Deflater.deflate(Array("one ".utf8)) + Deflater.deflate(Array("two".utf8))
        #expect(try Inflater.inflate(packed, as: .gzip, limits: Self.limits) == Array("one two".utf8))
        packed += [UInt8](repeating: 0, count: 512)
        #expect(try Inflater.inflate(packed, as: .gzip, limits: Self.limits) == Array("one two".utf8))
        packed += [7]
        #expect(throws: CompressionError.trailingBytes) {
            try Inflater.inflate(packed, as: .gzip, limits: Self.limits)
        }
    }

    @Test func aBombIsStoppedByItsRatio() throws {
        let bomb = try Deflater.deflate([UInt8](repeating: 0x41, count: 20_000_000), level: 9)
        #expect(bomb.count < 30_000)
        #expect(throws: CompressionError.ratioExceeded(limit: 200)) {
            try Inflater.inflate(bomb, as: .gzip, limits: InflateLimits(maximumBytes: 1 << 30))
        }
    }

    @Test func sizeIsBoundedExactly() throws {
        let packed = try Deflater.deflate(Self.text)
        let exact = InflateLimits(maximumBytes: Self.text.count)
        #expect(try Inflater.inflate(packed, as: .gzip, limits: exact).count == Self.text.count)
        let less = InflateLimits(maximumBytes: Self.text.count - 1)
        #expect(throws: CompressionError.tooLarge(limit: Self.text.count - 1)) {
            try Inflater.inflate(packed, as: .gzip, limits: less)
        }
    }

    @Test func everyCutIsNoticed() throws {
        let packed = try Deflater.deflate(Array("a short text".utf8))
        for length in 0..<packed.count {
            #expect(throws: CompressionError.truncated) {
                try Inflater.inflate(packed.prefix(length), as: .gzip, limits: Self.limits)
            }
        }
    }

    @Test func changedBytesAreMalformed() throws {
        var packed = try Deflater.deflate(Self.text)
        packed[packed.count - 6] ^= 1  // the checksum
        do {
            _ = try Inflater.inflate(packed, as: .gzip, limits: Self.limits)
            Issue.record("a wrong checksum was accepted")
        } catch {
            guard case .malformed = error else { throw error }
        }
    }

    @Test func formsAreToldApart() throws {
        #expect(CompressionFormat.detect(try Deflater.deflate(Self.text)) == .gzip)
        #expect(CompressionFormat.detect(Self.text) == nil)
        #expect(CompressionFormat.httpDeflate(try Deflater.deflate(Self.text, as: .zlib)) == .zlib)
        #expect(CompressionFormat.httpDeflate(try Deflater.deflate(Self.text, as: .deflate)) == .deflate)
    }
}

/// SplitMix64: the same numbers from the same seed.
private struct SplitMix {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
