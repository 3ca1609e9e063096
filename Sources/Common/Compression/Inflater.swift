import CZlib

/// How much may come out of compressed bytes.
public struct InflateLimits: Sendable, Hashable {
    /// Bytes that may come out in all.
    public var maximumBytes: Int
    /// How many times more bytes may come out than went in; the first 64 KiB out are free.
    public var maximumRatio: Int

    public init(maximumBytes: Int, maximumRatio: Int = 200) {
        self.maximumBytes = maximumBytes
        self.maximumRatio = maximumRatio
    }
}

/// Decompresses piece by piece, within limits.
///
/// ```swift
/// inflater.feed(bytes)
/// while case let piece = try inflater.read(atMost: 65_536), !piece.isEmpty { … }
/// try inflater.finish()  // after the last bytes
/// ```
public struct Inflater: ~Copyable, @unchecked Sendable {
    // zlib's state points back at the stream, so the stream must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let format: CompressionFormat
    private let limits: InflateLimits
    private var input: [UInt8] = []
    private var position = 0
    private var phase = Phase.betweenMembers
    /// The last step filled all the room it had: more may come out without more going in.
    private var filledRoom = false
    private var members = 0
    private var bytesIn = 0
    private var bytesOut = 0

    private enum Phase { case betweenMembers, inMember, padding }

    /// Bytes that come out free of the ratio, so that small and very regular bodies pass.
    private static let freeBytes = 65_536

    /// - Throws: ``CompressionError/outOfMemory``.
    public init(_ format: CompressionFormat, limits: InflateLimits) throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        self.format = format
        self.limits = limits
        guard inflateInit2_(stream, format.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .outOfMemory }
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Adds compressed bytes behind those that were not read yet.
    public mutating func feed(_ bytes: some Collection<UInt8>) {
        input.removeFirst(position)
        position = 0
        input.append(contentsOf: bytes)
        bytesIn += bytes.count
    }

    /// Decompresses at most `count` bytes; empty means: feed more, or finish.
    public mutating func read(atMost count: Int) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        try read(atMost: count, into: &output)
        return output
    }

    /// Decompresses at most `count` bytes onto the end of `output`.
    ///
    /// - Returns: How many bytes came; 0 means: feed more, or finish.
    @discardableResult
    public mutating func read(atMost count: Int, into output: inout [UInt8]) throws(CompressionError) -> Int {
        var written = 0
        while written < count, position < input.count || filledRoom, try beginMember() {
            // One byte past the limit is asked for, so that going over it is seen.
            let room = min(count - written, limits.maximumBytes - bytesOut + 1)
            let (consumed, produced, status) = step(room: room, into: &output)
            position += consumed
            written += produced
            bytesOut += produced
            guard bytesOut <= limits.maximumBytes else { throw .tooLarge(limit: limits.maximumBytes) }
            guard bytesOut <= Self.freeBytes || bytesOut / limits.maximumRatio <= bytesIn - input.count + position
            else {
                throw .ratioExceeded(limit: limits.maximumRatio)
            }
            switch status {
            case Z_STREAM_END:
                filledRoom = false
                phase = .betweenMembers
                members += 1
            case Z_OK, Z_BUF_ERROR:
                if consumed == 0, produced == 0 { return written }
            case Z_MEM_ERROR: throw .outOfMemory
            default: throw .malformed(stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)")
            }
        }
        return written
    }

    /// Says that no bytes follow.
    ///
    /// - Throws: ``CompressionError/truncated`` if they should.
    public func finish() throws(CompressionError) {
        guard phase != .inMember, members > 0 else { throw .truncated }
    }

    /// Decompresses a whole sequence.
    public static func inflate(_ bytes: some Collection<UInt8>, as format: CompressionFormat, limits: InflateLimits)
        throws(CompressionError) -> [UInt8]
    {
        var inflater = try Inflater(format, limits: limits)
        var output: [UInt8] = []
        output.reserveCapacity(min(limits.maximumBytes, bytes.count * 4))
        inflater.feed(bytes)
        while try inflater.read(atMost: 1 << 16, into: &output) > 0 {}
        try inflater.finish()
        return output
    }

    /// - Returns: Whether there is a member to go on with at the present position.
    private mutating func beginMember() throws(CompressionError) -> Bool {
        switch phase {
        case .inMember: return true
        case .betweenMembers where members == 0:
            phase = .inMember
            return true
        case .betweenMembers:
            guard format == .gzip else { throw .trailingBytes }
            if input[position] == 0 {
                phase = .padding
                return try beginMember()
            }
            guard input[position] == 0x1F else { throw .trailingBytes }
            guard inflateReset(stream) == Z_OK else { throw .outOfMemory }
            phase = .inMember
            return true
        case .padding:  // tape blocks are filled up with zeros
            guard input[position...].allSatisfy({ $0 == 0 }) else { throw .trailingBytes }
            position = input.count
            return false
        }
    }

    private mutating func step(room: Int, into output: inout [UInt8]) -> (consumed: Int, produced: Int, status: Int32) {
        let available = min(input.count - position, Int(UInt32.max))
        let before = output.count
        // Grown piece by piece: a small body does not pay for a large buffer.
        let space = min(room, max(4096, 4 * available), 1 << 20)
        output.append(contentsOf: repeatElement(0, count: space))
        let stream = stream
        let position = position
        let status = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = source.baseAddress.map { $0 + position }
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = target.baseAddress.map { $0 + before }
                stream.pointee.avail_out = UInt32(space)
                return CZlib.inflate(stream, Z_NO_FLUSH)
            }
        }
        filledRoom = stream.pointee.avail_out == 0
        let produced = space - Int(stream.pointee.avail_out)
        output.removeLast(space - produced)
        return (available - Int(stream.pointee.avail_in), produced, status)
    }
}
