import Synchronization

/// What stands behind the time in new identifiers: a count of 32 bits and 48 random ones (RFC 9562, 6.2, method 1). So
/// what a process makes in one millisecond lies in the order in which it was made, and nobody guesses an identifier from
/// its neighbour.
enum IdentifierTail {
    /// Begins anywhere, so that processes differ.
    private static let count = Atomic<UInt32>(.random(in: 0..<1 << 31))

    static func next() -> UInt128 {
        UInt128(count.wrappingAdd(1, ordering: .relaxed).newValue) << 48 | UInt128(UInt64.random(in: 0..<1 << 48))
    }
}
