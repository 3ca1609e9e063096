/// Words, pairs of words, stems and signs of a text as hashed features.
///
/// Reads bytes once and allocates nothing. Links and handles are passed over; a letter that is repeated more than
/// twice counts twice; what stands in scripts without spaces is cut into runs of one to four signs.
struct WordFeatures {
    /// More features than this are not taken from one text.
    static let limit = 1_024

    private let output: UnsafeMutableBufferPointer<UInt32>
    private var count = 0
    private var previous = WordFeatures.start

    // The word that is being read
    private var hash = FeatureHash.basis
    private var stem: UInt32 = 0
    private var length = 0
    private var digits = 0
    private var recent: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)

    private static let start: UInt32 = 0x5151_5151
    private static let number: UInt32 = 0x0A0A_0A0A

    /// Writes the features of a text and returns how many there are.
    static func extract(_ text: Bytes, into output: UnsafeMutableBufferPointer<UInt32>) -> Int {
        var features = WordFeatures(output)
        features.read(text)
        return features.count
    }

    private init(_ output: UnsafeMutableBufferPointer<UInt32>) { self.output = output }

    private mutating func read(_ text: Bytes) {
        var index = 0
        while index < text.count, count < Self.limit - 16 {
            let byte = text[index]
            if byte < 0x80 {
                if byte | 0x20 &- 0x61 < 26 && (byte | 0x20) >= 0x61 {
                    if length == 0, byte | 0x20 == UInt8(ascii: "h"), Self.isLink(text, at: index) {
                        index = Self.skipToSpace(text, from: index)
                        continue
                    }
                    letter(UInt32(byte | 0x20))
                } else if byte &- 0x30 < 10 {
                    digits += 1
                    letter(UInt32(byte))
                } else if byte == UInt8(ascii: "'") {
                    // Part of the word: don't, l'app
                } else if byte <= 0x20 || byte == 0x7F {
                    endWord()
                } else if byte == UInt8(ascii: "@"), length == 0 {
                    index = Self.skipHandle(text, from: index + 1)
                    continue
                } else {
                    endWord()
                    index = signs(text, from: index)
                    continue
                }
                index += 1
                continue
            }
            let (scalar, width) = Scalars.decode(text, at: index)
            index += width
            switch Scalars.classify(scalar) {
            case .letter: letter(Scalars.fold(scalar))
            case .digit: letter(scalar)
            case .hangul:
                letter(scalar)
                if length > 1 { emit(FeatureHash.join(recent.1, scalar)) }
            case .ideograph:
                endWord()
                sign(scalar, single: true)
            case .unspaced:
                endWord()
                sign(scalar, single: false)
            case .symbol:
                endWord()
                token(FeatureHash.add(scalar, to: FeatureHash.basis))
            case .modifier: break
            case .separator:
                if scalar == 0x2019 { continue }
                endWord()
                if let plain = Self.plain(scalar) { mark(plain, repeated: false) }
                if scalar == 0x3002 { previous = Self.start }
            }
        }
        endWord()
    }

    // MARK: - Words

    @inline(__always)
    private mutating func letter(_ scalar: UInt32) {
        if scalar == recent.0, scalar == recent.1, length > 1, scalar > 0x39 { return }
        hash = FeatureHash.add(scalar, to: hash)
        length += 1
        recent = (scalar, recent.0, recent.1, recent.2)
        if length == 5 { stem = hash }
        if length >= 4 {
            // Runs of four letters carry endings and compounds
            emit(FeatureHash.join(FeatureHash.join(recent.3, recent.2), FeatureHash.join(recent.1, recent.0)))
        }
    }

    @inline(__always)
    private mutating func endWord() {
        guard length > 0 else {
            recent = (0, 0, 0, 0)
            return
        }
        token(digits == length && length > 2 ? Self.number : hash)
        if length > 5 { emit(stem ^ 0x3333_3333) }
        hash = FeatureHash.basis
        length = 0
        digits = 0
        recent = (0, 0, 0, 0)
    }

    @inline(__always)
    private mutating func token(_ value: UInt32) {
        emit(value)
        emit(FeatureHash.join(previous, value))
        previous = value
    }

    @inline(__always)
    private mutating func emit(_ value: UInt32) {
        guard count < output.count else { return }
        output[count] = FeatureHash.mix(value)
        count += 1
    }

    // MARK: - Scripts without spaces

    @inline(__always)
    private mutating func sign(_ scalar: UInt32, single: Bool) {
        recent = (scalar, recent.0, recent.1, recent.2)
        if single { emit(FeatureHash.add(scalar, to: 0x1111_1111)) }
        guard recent.1 != 0 else { return }
        let pair = FeatureHash.join(recent.1, scalar)
        emit(pair)
        guard recent.2 != 0 else { return }
        emit(FeatureHash.join(recent.2, pair))
        guard !single, recent.3 != 0 else { return }
        emit(FeatureHash.join(recent.3, FeatureHash.join(recent.2, pair)))
    }

    // MARK: - Signs

    /// Reads a run of ASCII signs: `!!`, `?`, `:)`; commas and the like end the word and say nothing.
    private mutating func signs(_ text: Bytes, from start: Int) -> Int {
        var index = start
        var run = FeatureHash.basis
        var kinds = 0
        var last: UInt8 = 0
        var ends = false
        while index < text.count {
            let byte = text[index]
            guard byte > 0x20, byte < 0x7F, !(byte &- 0x30 < 10), !((byte | 0x20) &- 0x61 < 26), byte != 0x27
            else { break }
            if byte == UInt8(ascii: "@"), index > start { break }
            if byte != last, kinds < 4 {
                run = FeatureHash.add(UInt32(byte), to: run)
                kinds += 1
            }
            if byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: ".") { ends = true }
            last = byte
            index += 1
        }
        if index - start > 1 || last == UInt8(ascii: "!") || last == UInt8(ascii: "?") {
            mark(run, repeated: index - start > kinds)
        }
        if ends { previous = Self.start }
        return index
    }

    private mutating func mark(_ run: UInt32, repeated: Bool) {
        emit(run ^ (repeated ? 0x7777_7777 : 0x6666_6666))
    }

    /// The hash of the ASCII sign that a full-width or inverted one stands for.
    private static func plain(_ scalar: UInt32) -> UInt32? {
        switch scalar {
        case 0xFF01: FeatureHash.add(0x21, to: FeatureHash.basis)
        case 0xFF1F, 0x61F: FeatureHash.add(0x3F, to: FeatureHash.basis)
        default: nil
        }
    }

    // MARK: - What is passed over

    static func isLink(_ text: Bytes, at index: Int) -> Bool {
        guard index + 4 <= text.count else { return false }
        guard text[index + 1] | 0x20 == UInt8(ascii: "t"), text[index + 2] | 0x20 == UInt8(ascii: "t"),
            text[index + 3] | 0x20 == UInt8(ascii: "p")
        else { return false }
        guard index + 4 < text.count else { return true }
        let next = text[index + 4]
        return next <= 0x20 || next == UInt8(ascii: ":") || next | 0x20 == UInt8(ascii: "s")
    }

    static func skipToSpace(_ text: Bytes, from start: Int) -> Int {
        var index = start
        while index < text.count, text[index] > 0x20 { index += 1 }
        return index
    }

    static func skipHandle(_ text: Bytes, from start: Int) -> Int {
        var index = start
        while index < text.count {
            let byte = text[index]
            guard byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") else { break }
            index += 1
        }
        return index
    }
}
