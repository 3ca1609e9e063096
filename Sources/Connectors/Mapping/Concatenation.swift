import ByteJSON

/// Texts that are strung together without a copy of each.
struct Concatenation: Sendable {
    private struct Piece {
        /// Which operation gives it; -1 is a constant.
        let operation: Int
        /// Where a constant lies in ``constants``.
        let constant: Range<Int>
    }

    /// Longer texts are strung together in memory of their own.
    private static let room = 512

    private var pieces: [Piece] = []
    private var operations: [Operation] = []
    private var constants: [UInt8] = []

    init(_ parts: [Expression], _ operation: (Expression) -> Operation) {
        for part in parts {
            if let constant = part.constantValue?.string {
                let start = constants.count
                constants += constant.utf8
                pieces.append(Piece(operation: -1, constant: start..<constants.count))
            } else {
                pieces.append(Piece(operation: operations.count, constant: 0..<0))
                operations.append(operation(part))
            }
        }
    }

    /// The texts, one after another; missing if one of them is.
    func term(in frame: UnsafePointer<Frame>) -> Term {
        let short: Term? = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.room) { buffer in
            var count = 0
            let fits = strung(in: frame) { text in
                guard count &+ text.count <= Self.room else { return false }
                _ = UnsafeMutableBufferPointer(rebasing: buffer[count...]).update(fromContentsOf: text)
                count &+= text.count
                return true
            }
            guard let fits else { return .missing }
            guard fits else { return nil }
            return .made(.string(String(decoding: UnsafeBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)))
        }
        if let short { return short }
        var bytes: [UInt8] = []
        let isWhole = strung(in: frame) { text in
            bytes += text
            return true
        }
        return isWhole == true ? .made(.string(String(decoding: bytes, as: UTF8.self))) : .missing
    }

    /// Hands out text by text, until one is refused; nil if one is missing.
    private func strung(in frame: UnsafePointer<Frame>, _ add: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool? {
        constants.withUnsafeBufferPointer { constants in
            for piece in pieces {
                let fits =
                    piece.operation < 0
                    ? add(UnsafeBufferPointer(rebasing: constants[piece.constant]))
                    : operations[piece.operation](frame).withText(add)
                guard fits == true else { return fits }
            }
            return true
        }
    }
}
