/// The head of a model file; signed 8-bit weights follow it, one row of lanes per hashed feature.
///
/// The first label is the reference, whose weights are all 0 and left out; each other label has a lane. Rows of many
/// lanes are padded to a multiple of 16, as vectors are.
///
/// `EARM`, format version, length of the head, kind, bits, unit, labels, bias, fingerprint; little-endian.
struct ModelFile: Equatable {
    /// Which features it reads: `words` or `language`.
    var kind: String
    /// The table has 2^bits rows.
    var bits: Int
    /// The reference, and what has a lane each.
    var labels: [String]
    /// What a weight of 1 stands for.
    var unit: Float
    var bias: [Float]
    /// ``FeatureFingerprint`` when it was trained.
    var fingerprint: UInt64

    /// Weights from one row to the next.
    var stride: Int { Self.stride(labels: labels.count) }

    static func stride(labels: Int) -> Int { labels > 16 ? (labels - 1 + 15) / 16 * 16 : labels - 1 }

    static let magic: [UInt8] = Array("EARM".utf8) + [1]
}

extension ModelFile {
    /// The head as bytes, padded to 64.
    var header: [UInt8] {
        var body: [UInt8] = []
        func put(_ text: String) {
            body.append(UInt8(truncatingIfNeeded: text.utf8.count))
            body.append(contentsOf: text.utf8)
        }
        func put(_ value: UInt64, bytes: Int) {
            for shift in 0..<bytes { body.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
        }
        put(kind)
        put(UInt64(bits), bytes: 1)
        put(UInt64(unit.bitPattern), bytes: 4)
        put(UInt64(labels.count), bytes: 1)
        for label in labels { put(label) }
        for value in bias { put(UInt64(value.bitPattern), bytes: 4) }
        put(fingerprint, bytes: 8)
        let length = (Self.magic.count + 2 + body.count + 63) / 64 * 64
        var head = Self.magic
        head.append(UInt8(truncatingIfNeeded: length))
        head.append(UInt8(truncatingIfNeeded: length >> 8))
        head.append(contentsOf: body)
        head.append(contentsOf: [UInt8](repeating: 0, count: length - head.count))
        return head
    }

    /// Reads the head; nil if the bytes are no model file of this version.
    static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> (file: ModelFile, length: Int)? {
        var index = magic.count + 2
        guard bytes.count > index, bytes.prefix(magic.count).elementsEqual(magic) else { return nil }
        let length = Int(bytes[magic.count]) | Int(bytes[magic.count + 1]) << 8
        guard length <= bytes.count else { return nil }
        func number(_ count: Int) -> UInt64? {
            guard index + count <= length else { return nil }
            var value: UInt64 = 0
            for shift in 0..<count { value |= UInt64(bytes[index + shift]) << UInt64(8 * shift) }
            index += count
            return value
        }
        func text() -> String? {
            guard let count = number(1).map(Int.init), index + count <= length else { return nil }
            defer { index += count }
            return String(decoding: bytes[index..<index + count], as: UTF8.self)
        }
        guard let kind = text(), let bits = number(1), let unit = number(4), let count = number(1) else { return nil }
        var labels: [String] = []
        var bias: [Float] = []
        for _ in 0..<count {
            guard let label = text() else { return nil }
            labels.append(label)
        }
        for _ in 0..<count {
            guard let value = number(4) else { return nil }
            bias.append(Float(bitPattern: UInt32(truncatingIfNeeded: value)))
        }
        guard bits <= 24, let fingerprint = number(8), count > 1,
            bytes.count == length + stride(labels: Int(count)) << Int(bits)
        else { return nil }
        return (
            ModelFile(
                kind: kind, bits: Int(bits), labels: labels, unit: Float(bitPattern: UInt32(truncatingIfNeeded: unit)),
                bias: bias, fingerprint: fingerprint), length
        )
    }
}
