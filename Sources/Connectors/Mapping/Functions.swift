import ByteJSON
import Common

extension Expression.Function {
    /// The function's value; missing where it has none for this argument.
    ///
    /// - Parameter argument: UTF-8.
    func apply(to term: Term, _ argument: [UInt8]) -> Term {
        switch self {
        case .lower: Self.lowered(term)
        case .upper: .text(term.string?.uppercased())
        case .trim: .text(term.string?.trimmed)
        case .firstLine: .text(term.string.map { String($0.trimmed.prefix { !$0.isNewline }) })
        // What stands behind the first occurrence of a mark, or before it; an empty mark occurs nowhere.
        case .after: term.part { text in text.firstRange(of: argument).map { $0.upperBound..<text.count } }
        case .before: term.part { text in text.firstRange(of: argument).map { 0..<$0.lowerBound } }
        case .unix:
            Term(
                term.double.flatMap { $0.isFinite && abs($0) < 1e12 ? $0 : nil }
                    .map { .instant(Timestamp(milliseconds: Int64(($0 * 1000).rounded()))) })
        case .unixMilliseconds:
            Term(
                term.double.flatMap { $0.isFinite && abs($0) < 1e15 ? $0 : nil }
                    .map { .instant(Timestamp(milliseconds: Int64($0.rounded()))) })
        case .dayFirst: Term(term.string.flatMap { WrittenDate.instant($0, dayFirst: true) }.map { .instant($0) })
        case .monthFirst: Term(term.string.flatMap { WrittenDate.instant($0, dayFirst: false) }.map { .instant($0) })
        case .string: .text(term.string)
        case .number: Term(term.double.map(MappedValue.double))
        case .host: .text(term.string.flatMap(Address.host))
        case .stripPrefix:
            term.part { text in (text.starts(with: argument) ? argument.count : 0)..<text.count }
        case .decodeHTML: .text(term.string.map { CharacterReferences.decode($0) })
        case .url: .text(term.string.map { PercentEncoding.component($0) })
        case .trimSlash: .text(term.string.flatMap { Template.Function.trimSlash.apply(to: .string($0)) })
        case .rfc3339: .text(term.timestamp?.description)
        }
    }

    private static func lowered(_ term: Term) -> Term {
        let text = term.withText { bytes in
            guard bytes.allSatisfy({ $0 < 0x80 }) else { return String(decoding: bytes, as: UTF8.self).lowercased() }
            return String(unsafeUninitializedCapacity: bytes.count) { target in
                for (at, byte) in bytes.enumerated() { target[at] = byte &- 0x41 < 26 ? byte | 0x20 : byte }
                return bytes.count
            }
        }
        return .text(text)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether a text occurs, in bytes; an empty one does everywhere.
    func contains(_ wanted: [UInt8]) -> Bool { wanted.isEmpty || firstRange(of: wanted) != nil }

    /// Where a text occurs first, in bytes; an empty one occurs nowhere.
    func firstRange(of wanted: [UInt8]) -> Range<Int>? {
        wanted.withUnsafeBufferPointer { wanted in
            guard let first = wanted.first, wanted.count <= count else { return nil }
            var at = 0
            let last = count &- wanted.count
            while at <= last {
                if self[at] == first {
                    var length = 1
                    while length < wanted.count, self[at &+ length] == wanted[length] { length &+= 1 }
                    if length == wanted.count { return at..<at &+ length }
                }
                at &+= 1
            }
            return nil
        }
    }
}
