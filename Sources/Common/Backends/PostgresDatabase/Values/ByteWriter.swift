import Foundation

/// Memory of a known size that is filled from the front, in network byte order.
final class ByteWriter {
    let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(1, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 8)
    }

    deinit { base.deallocate() }

    func write(_ value: some FixedWidthInteger & BitwiseCopyable) {
        let size = MemoryLayout.size(ofValue: value)
        precondition(count + size <= capacity, "more than was announced")
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: type(of: value))
        count += size
    }

    func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    /// Writes a text. PostgreSQL holds no nul in a text: U+001A (substitute) stands in its place.
    func write(text: String) {
        var text = text
        let start = count
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
        while let nul = memchr(base + start, 0, count - start) { nul.storeBytes(of: 0x1A, as: UInt8.self) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) {
        precondition(count + bytes.count <= capacity, "more than was announced")
        if let start = bytes.baseAddress { (base + count).copyMemory(from: start, byteCount: bytes.count) }
        count += bytes.count
    }
}
