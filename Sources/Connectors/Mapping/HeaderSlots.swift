import Common

/// The headers of a raw event that a mapping looks at, each with a slot.
struct HeaderSlots: Sendable {
    /// What is always wanted.
    static let contentType = 0
    static let context = 1

    private struct Wanted {
        /// Where the name begins and ends in ``bytes``.
        let name: Range<Int>
        let slot: Int
        /// Whether it is a header of the sender's that was kept, which comes before a fact of our own.
        let isKept: Bool
    }

    private var wanted: [Wanted] = []
    private var bytes: [UInt8] = []
    private var names: [String] = []
    /// The bits of the names' lengths: most headers have none of them.
    private var lengths: UInt64 = 0
    var count: Int { names.count }

    init() {
        for name in [RawHeader.contentType, RawHeader.context] {
            want(name, isKept: false)
            names.append(name)
        }
    }

    mutating func slot(of name: String) -> Int {
        // The first two are facts alone, whatever the sender calls so.
        if let slot = names.dropFirst(2).firstIndex(of: name) { return slot }
        want(name, isKept: false)
        want(RawHeader.kept + name, isKept: true)
        names.append(name)
        return names.count - 1
    }

    private mutating func want(_ name: String, isKept: Bool) {
        let start = bytes.count
        bytes += name.utf8
        lengths |= Self.bit(name.utf8.count)
        wanted.append(Wanted(name: start..<bytes.count, slot: names.count, isKept: isKept))
    }

    /// Looks for all of them in one pass; the first of several with one name counts.
    ///
    /// - Parameter values: By slot, where the value lies in the encoded headers; before 0 is none.
    func find(in headers: RecordHeaders, _ values: UnsafeMutableBufferPointer<Range<Int>>) {
        values.update(repeating: -1 ..< -1)
        var keptSlots: UInt64 = 0
        wanted.withUnsafeBufferPointer { wanted in
            bytes.withUnsafeBytes { bytes in
                headers.forEach { name, value in
                    guard lengths & Self.bit(name.count) != 0 else { return }
                    for header in wanted where header.name.count == name.count {
                        let isFirst = values[header.slot].lowerBound < 0
                        guard isFirst || header.isKept && keptSlots & Self.bit(header.slot) == 0 else { continue }
                        var at = 0
                        while at < name.count, name[at] == bytes[header.name.lowerBound &+ at] { at &+= 1 }
                        guard at == name.count else { continue }
                        values[header.slot] = value
                        if header.isKept { keptSlots |= Self.bit(header.slot) }
                    }
                }
            }
        }
    }

    private static func bit(_ number: Int) -> UInt64 { 1 &<< UInt64(truncatingIfNeeded: min(number, 63)) }
}
