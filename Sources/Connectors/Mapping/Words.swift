import Common

/// The few words that a field may say, found by their bytes whatever their case.
struct Words<Value: Sendable>: Sendable {
    private let values: [Value]
    /// The words one after another, and where each ends.
    private let bytes: [UInt8]
    private let ends: [Int]

    init(_ values: [Value]) where Value: RawRepresentable<String> {
        self.values = values
        bytes = values.flatMap { $0.rawValue.utf8 }
        ends = values.indices.map { last in values[...last].reduce(0) { $0 + $1.rawValue.utf8.count } }
    }

    subscript(_ text: UnsafeBufferPointer<UInt8>) -> Value? {
        let found = bytes.withUnsafeBufferPointer { bytes in
            ends.withUnsafeBufferPointer { ends in
                var start = 0
                for (word, end) in ends.enumerated() {
                    if end &- start == text.count, Self.isEqual(text, bytes, from: start) { return word }
                    start = end
                }
                return -1
            }
        }
        return found < 0 ? nil : values[found]
    }

    private static func isEqual(
        _ text: UnsafeBufferPointer<UInt8>, _ words: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> Bool {
        for at in 0..<text.count {
            let lower = text[at] &- 0x41 < 26 ? text[at] | 0x20 : text[at]
            if lower != words[start &+ at] { return false }
        }
        return true
    }
}

extension Words<Feedback.Kind> {
    static let kinds = Words(Feedback.Kind.allCases)
}

extension Words<MappedItem.Format> {
    static let formats = Words(MappedItem.Format.allCases)
}
