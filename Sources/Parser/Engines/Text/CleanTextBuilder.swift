/// Collects clean text: folds white space, and keeps prose, quotations and code apart.
struct CleanTextBuilder {
    private enum Part { case prose, quote, code }
    private enum Gap: Int { case none, space, line, paragraph }

    private var clean = CleanText(text: [])
    /// What is being written: the prose, one quotation or one code block.
    private(set) var current: [UInt8] = []
    /// The prose, while something else is written.
    private var prose: [UInt8] = []
    private var part = Part.prose
    private var gap = Gap.none
    /// Quotations that are open, one in another.
    private(set) var quoteDepth = 0

    init(capacity: Int) { current.reserveCapacity(capacity) }

    var isCode: Bool { part == .code }

    // MARK: - Text

    /// Appends the code point at an index and returns its length.
    @inline(__always)
    mutating func append(_ source: Bytes, at index: Int) -> Int {
        let byte = source[index]
        if byte > 0x20, byte < 0x7F {
            visible()
            current.append(byte)
            return 1
        }
        let (scalar, length) = Scalars.decode(source, at: index)
        append(scalar)
        return length
    }

    /// Appends a code point: white space folds, controls and signs without width are left out.
    mutating func append(_ scalar: UInt32) {
        switch scalar {
        case 0x0A, 0x2028, 0x2029: if part == .code { current.append(0x0A) } else { widen(.line) }
        case 0x09, 0x20: if part == .code { current.append(UInt8(scalar)) } else { widen(.space) }
        case 0xA0, 0x2000...0x200A, 0x202F, 0x3000: widen(.space)
        case 0...0x1F, 0x7F...0x9F, 0xAD, 0x200B, 0xFEFF: break
        default:
            visible()
            if scalar < 0x80 {
                current.append(UInt8(scalar))
            } else if scalar < 0x800 {
                current.append(UInt8(0xC0 | scalar >> 6))
                current.append(UInt8(0x80 | scalar & 0x3F))
            } else if scalar < 0x10000 {
                current.append(UInt8(0xE0 | scalar >> 12))
                current.append(UInt8(0x80 | scalar >> 6 & 0x3F))
                current.append(UInt8(0x80 | scalar & 0x3F))
            } else {
                current.append(UInt8(0xF0 | scalar >> 18))
                current.append(UInt8(0x80 | scalar >> 12 & 0x3F))
                current.append(UInt8(0x80 | scalar >> 6 & 0x3F))
                current.append(UInt8(0x80 | scalar & 0x3F))
            }
        }
    }

    /// Appends source bytes as they are, white space folded.
    mutating func append(_ source: Bytes, _ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound { index += append(source, at: index) }
    }

    mutating func append(_ string: String) {
        for scalar in string.unicodeScalars { append(scalar.value) }
    }

    mutating func space() { widen(.space) }
    mutating func line() { if part == .code { current.append(0x0A) } else { widen(.line) } }
    mutating func paragraph() { if part == .code { current.append(0x0A) } else { widen(.paragraph) } }

    /// Whether the next thing written starts a line.
    var isAtLineStart: Bool { current.isEmpty || gap.rawValue >= Gap.line.rawValue }

    private mutating func widen(_ wider: Gap) {
        if part == .code { current.append(0x20) } else if wider.rawValue > gap.rawValue { gap = wider }
    }

    @inline(__always)
    private mutating func visible() {
        guard gap != .none else { return }
        if !current.isEmpty {
            switch gap {
            case .none: break
            case .space: current.append(0x20)
            case .line: current.append(0x0A)
            case .paragraph:
                current.append(0x0A)
                current.append(0x0A)
            }
        }
        gap = .none
    }

    // MARK: - Taking back

    /// Where the next visible byte goes, white space before it written.
    mutating func mark() -> Int {
        visible()
        return current.count
    }

    /// Removes some bytes that were written at a mark.
    mutating func remove(at mark: Int, count: Int) {
        guard mark + count <= current.count else { return }
        current.removeSubrange(mark..<mark + count)
    }

    /// Removes all that was written from a mark on; white space before it folds with what follows.
    mutating func remove(from mark: Int) {
        guard mark >= 0, mark < current.count else { return }
        current.removeSubrange(mark...)
        while let last = current.last, last == 0x20 || last == 0x0A {
            current.removeLast()
            widen(last == 0x20 ? .space : .line)
        }
    }

    // MARK: - Parts

    /// Opens a quotation; one within another belongs to the outer one.
    mutating func beginQuote() {
        if part == .code { endCode() }
        quoteDepth += 1
        if quoteDepth == 1 { open(.quote) } else { line() }
    }

    mutating func endQuote() {
        guard quoteDepth > 0 else { return }
        quoteDepth -= 1
        if quoteDepth == 0 { close() } else { line() }
    }

    /// Opens a code block; within a quotation it stays part of that.
    mutating func beginCode() {
        if part == .prose { open(.code) } else { line() }
    }

    mutating func endCode() {
        if part == .code { close() } else { line() }
    }

    private mutating func open(_ next: Part) {
        swap(&prose, &current)
        current = []
        part = next
        gap = .none
    }

    private mutating func close() {
        if part == .code {
            while let last = current.last, last <= 0x20 { current.removeLast() }
            let start = current.firstIndex { $0 != 0x0A } ?? current.endIndex
            if start < current.endIndex { clean.code.append(Array(current[start...])) }
        } else if !current.isEmpty {
            clean.quotes.append(current)
        }
        swap(&prose, &current)
        prose = []
        part = .prose
        gap = .line
    }

    /// The whole; what is still open ends here.
    ///
    /// - Parameter unclosedIsProse: An open quotation turns out to have been the author's own words.
    mutating func finish(unclosedIsProse: Bool = false) -> CleanText {
        if part == .quote, unclosedIsProse {
            let words = current
            current = prose
            part = .prose
            gap = .line
            words.withUnsafeBufferPointer { append($0, 0..<$0.count) }
        } else if part != .prose {
            close()
        }
        clean.text = current
        return clean
    }
}
