/// Takes a file from front to back, and hands it on in pieces of a megabyte.
struct FileWriter: ~Copyable {
    private let take: ([UInt8]) throws -> Void
    private var buffer: [UInt8] = []
    /// How many were written.
    private(set) var bytes = 0
    private static let piece = 1 << 20

    /// - Parameter take: Where the pieces go.
    init(_ take: @escaping ([UInt8]) throws -> Void) {
        self.take = take
        reserve()
    }

    private mutating func reserve() { buffer.reserveCapacity(Self.piece + 65_536) }

    mutating func write(_ bytes: some Sequence<UInt8>) throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.piece { try flush() }
    }

    mutating func write(_ text: String) throws { try write(text.utf8) }

    private mutating func flush() throws {
        let piece = buffer
        buffer = []
        bytes += piece.count
        try take(piece)
        reserve()
    }

    /// Hands on what is left.
    mutating func finish() throws { if !buffer.isEmpty { try flush() } }
}
