/// Spreads keys over partitions: murmur2 as Kafka's default partitioner does it, so both logs agree.
public enum Partitioner {
    /// The partition of a key.
    public static func partition(forKey key: some Collection<UInt8>, of partitions: Int) -> Int {
        partitions <= 1 ? 0 : Int(murmur2(key) & 0x7FFF_FFFF) % partitions
    }

    /// MurmurHash2, 32 bits, with Kafka's seed.
    public static func murmur2(_ data: some Collection<UInt8>) -> UInt32 {
        data.withContiguousStorageIfAvailable { murmur2(UnsafeRawBufferPointer($0)) }
            ?? Array(data).withUnsafeBytes { murmur2($0) }
    }

    private static func murmur2(_ data: UnsafeRawBufferPointer) -> UInt32 {
        let m: UInt32 = 0x5BD1_E995
        var h: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: data.count)
        let tail = data.count & ~3
        for at in stride(from: 0, to: tail, by: 4) {
            var k = UInt32(littleEndian: data.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            k = k &* m
            k ^= k >> 24
            k = k &* m
            h = h &* m
            h ^= k
        }
        let left = data.count - tail
        if left == 3 { h ^= UInt32(data[tail + 2]) << 16 }
        if left >= 2 { h ^= UInt32(data[tail + 1]) << 8 }
        if left >= 1 {
            h ^= UInt32(data[tail])
            h = h &* m
        }
        h ^= h >> 13
        h = h &* m
        h ^= h >> 15
        return h
    }
}
