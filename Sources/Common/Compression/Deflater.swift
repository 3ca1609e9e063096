import CZlib

/// Compresses piece by piece.
public struct Deflater: ~Copyable, @unchecked Sendable {
    // zlib's state points back at the stream, so the stream must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Parameter level: 1 is fast, 9 is small.
    /// - Throws: ``CompressionError/outOfMemory``.
    public init(_ format: CompressionFormat = .gzip, level: Int = 6) throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, Int32(min(9, max(1, level))), Z_DEFLATED, format.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .outOfMemory }
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Compresses `bytes` onto the end of `output`; some of it comes with a later call.
    public mutating func write(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        deflate(bytes, Z_NO_FLUSH, to: &output)
    }

    /// Writes what is left and the end mark.
    public mutating func finish(to output: inout [UInt8]) { deflate([], Z_FINISH, to: &output) }

    /// Compresses a whole sequence.
    public static func deflate(
        _ bytes: some Collection<UInt8>, as format: CompressionFormat = .gzip, level: Int = 6
    ) throws(CompressionError) -> [UInt8] {
        var deflater = try Deflater(format, level: level)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count / 3 + 64)
        deflater.write(bytes, to: &output)
        deflater.finish(to: &output)
        return output
    }

    private mutating func deflate(_ bytes: some Collection<UInt8>, _ flush: Int32, to output: inout [UInt8]) {
        var source = Array(bytes)
        let stream = stream
        let count = source.count
        source.withUnsafeMutableBufferPointer { source in
            var read = 0
            var space = 0
            repeat {
                let available = min(count - read, Int(UInt32.max))
                let before = output.count
                space = max(256, min(1 << 16, available))
                output.append(contentsOf: repeatElement(0, count: space))
                output.withUnsafeMutableBufferPointer { target in
                    stream.pointee.next_in = source.baseAddress.map { $0 + read }
                    stream.pointee.avail_in = UInt32(available)
                    stream.pointee.next_out = target.baseAddress.map { $0 + before }
                    stream.pointee.avail_out = UInt32(space)
                    _ = CZlib.deflate(stream, flush)
                }
                read += available - Int(stream.pointee.avail_in)
                space = Int(stream.pointee.avail_out)
                output.removeLast(space)
            } while space == 0 || read < count
        }
    }
}
