import Common
import Compression

/// The bytes of a file as they are meant, piece by piece: out of gzip or of a zip archive, if it is one.
///
/// Used by one task.
final class UnpackedBytes {
    /// How a file is packed.
    enum Packing: Sendable, Hashable, Codable {
        case none, gzip
        case zip(ZipArchive.Entry)

        var name: String {
            switch self {
            case .none: "none"
            case .gzip: "gzip"
            case .zip: "zip"
            }
        }
    }

    private static let suffixes = [".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt"]

    let packing: Packing
    /// Where the file is being read.
    private(set) var position: Int
    private let source: SourceBytes
    private let end: Int
    private let pieceBytes: Int
    private var inflater: Inflater?
    private var sum = CRC32()
    private var count = 0
    private var isAtEnd = false

    /// - Parameter offset: Where to begin, in a file that is not packed.
    /// - Throws: ``ZipError``, ``CompressionError``, or what the source throws.
    init(
        _ source: SourceBytes, from offset: Int = 0, maximumRatio: Int, maximumBytes: Int, pieceBytes: Int = 1 << 20
    ) async throws {
        self.source = source
        self.pieceBytes = pieceBytes
        let head = try await source.read(0, min(4, source.size))
        let limits = InflateLimits(maximumBytes: maximumBytes, maximumRatio: maximumRatio)
        if ZipArchive.isArchive(head) {
            let entry = try await ZipArchive.open(size: source.size, read: source.read)
                .entry(endingIn: Self.suffixes)
            packing = .zip(entry)
            position = try await ZipArchive.dataOffset(of: entry, size: source.size, read: source.read)
            end = position + entry.compressedSize
            inflater = entry.method == 8 ? try Inflater(.deflate, limits: limits) : nil
        } else if CompressionFormat.detect(head) == .gzip {
            packing = .gzip
            position = 0
            end = source.size
            inflater = try Inflater(.gzip, limits: limits)
        } else {
            packing = .none
            position = min(offset, source.size)
            end = source.size
        }
    }

    /// The next bytes; nil at the end.
    func next() async throws -> [UInt8]? {
        while !isAtEnd {
            if inflater != nil {
                var plain: [UInt8] = []
                if try inflater?.read(atMost: pieceBytes, into: &plain) ?? 0 > 0 { return noted(plain) }
            }
            guard position < end else {
                try finish()
                return nil
            }
            let piece = try await source.read(position, min(pieceBytes, end - position))
            guard !piece.isEmpty else {
                throw SourceError.refused("the file ends at byte \(position), and should have \(end): it was changed")
            }
            position += piece.count
            if inflater == nil { return noted(piece) }
            inflater?.feed(piece)
        }
        return nil
    }

    private func noted(_ plain: [UInt8]) -> [UInt8] {
        if case .zip = packing {
            sum.add(plain)
            count += plain.count
        }
        return plain
    }

    private func finish() throws {
        isAtEnd = true
        try inflater?.finish()
        if case .zip(let entry) = packing, sum.value != entry.crc || count != entry.size {
            throw ZipError.damaged(entry.name)
        }
    }
}
