/// Scripts that tell languages apart, by how the engine uses them.
enum Script: Int, CaseIterable {
    case latin, cyrillic, arabic, devanagari, bengali, ethiopic
    case greek, hebrew, armenian, georgian, thai, lao, khmer, burmese, tibetan, gurmukhi, gujarati, oriya, tamil
    case telugu, kannada, malayalam, sinhala, thaana, hangul, kana, han

    /// The script of a letter beyond ASCII.
    @inline(__always)
    static func of(_ scalar: UInt32) -> Script? {
        switch scalar {
        case 0xAA...0x2AF, 0x1E00...0x1EFF: .latin
        case 0x370...0x3FF, 0x1F00...0x1FFF: .greek
        case 0x400...0x52F: .cyrillic
        case 0x530...0x58F: .armenian
        case 0x590...0x5FF: .hebrew
        case 0x600...0x6FF, 0x750...0x77F, 0xFB50...0xFDFF, 0xFE70...0xFEFF: .arabic
        case 0x780...0x7BF: .thaana
        case 0x900...0x97F: .devanagari
        case 0x980...0x9FF: .bengali
        case 0xA00...0xA7F: .gurmukhi
        case 0xA80...0xAFF: .gujarati
        case 0xB00...0xB7F: .oriya
        case 0xB80...0xBFF: .tamil
        case 0xC00...0xC7F: .telugu
        case 0xC80...0xCFF: .kannada
        case 0xD00...0xD7F: .malayalam
        case 0xD80...0xDFF: .sinhala
        case 0xE00...0xE7F: .thai
        case 0xE80...0xEFF: .lao
        case 0xF00...0xFFF: .tibetan
        case 0x1000...0x109F: .burmese
        case 0x10A0...0x10FF: .georgian
        case 0x1100...0x11FF, 0xAC00...0xD7AF: .hangul
        case 0x1200...0x139F: .ethiopic
        case 0x1780...0x17FF: .khmer
        case 0x3041...0x30FF: .kana
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF: .han
        default: nil
        }
    }
}

/// Runs of letters of the first part of a text as hashed features, and how much of it is in which script.
///
/// Words with digits, links and handles are passed over: they belong to no language.
struct LanguageFeatures {
    /// More features than this are not taken from one text.
    static let limit = 240

    /// Letters seen of each script, by ``Script/rawValue``.
    private(set) var letters: InlineArray<27, Int32> = .init(repeating: 0)
    private(set) var count = 0

    private let output: UnsafeMutableBufferPointer<UInt32>
    private var wordStart = 0
    private var word = FeatureHash.basis
    private var length = 0
    private var hasDigit = false
    private var recent: (UInt32, UInt32, UInt32) = (LanguageFeatures.edge, 0, 0)

    private static let edge: UInt32 = 0x20

    /// Reads a text; the features are in the buffer afterwards.
    init(_ text: Bytes, into output: UnsafeMutableBufferPointer<UInt32>) {
        self.output = output
        read(text)
    }

    private mutating func read(_ text: Bytes) {
        var index = 0
        while index < text.count, count < Self.limit {
            let byte = text[index]
            if byte < 0x80 {
                let lower = byte | 0x20
                if lower &- 0x61 < 26 {
                    if length == 0, lower == UInt8(ascii: "h"), WordFeatures.isLink(text, at: index) {
                        index = WordFeatures.skipToSpace(text, from: index)
                        continue
                    }
                    letters[Script.latin.rawValue] += 1
                    letter(UInt32(lower))
                } else if byte &- 0x30 < 10 {
                    hasDigit = true
                } else if byte == UInt8(ascii: "@"), length == 0 {
                    index = WordFeatures.skipHandle(text, from: index + 1)
                    continue
                } else if byte == UInt8(ascii: "'") {
                    if length > 0 { letter(UInt32(byte)) }
                } else {
                    endWord()
                }
                index += 1
                continue
            }
            let (scalar, width) = Scalars.decode(text, at: index)
            index += width
            switch Scalars.classify(scalar) {
            case .modifier: break
            case .separator, .symbol:
                if scalar == 0x2019, length > 0 { letter(0x27) } else { endWord() }
            case .letter, .digit:
                if let script = Script.of(scalar) {
                    letters[script.rawValue] += 1
                    if script.rawValue <= Script.ethiopic.rawValue { letter(Scalars.fold(scalar)) }
                }
            case .hangul, .ideograph, .unspaced:
                endWord()
                if let script = Script.of(scalar) { letters[script.rawValue] += 1 }
                // Counts toward the limit, so that long texts without features are not read to their end
                if letters[Script.han.rawValue] > 400 { return }
            }
        }
        endWord()
    }

    @inline(__always)
    private mutating func letter(_ scalar: UInt32) {
        if length == 0 { wordStart = count }
        word = FeatureHash.add(scalar, to: word)
        length += 1
        push(scalar)
    }

    @inline(__always)
    private mutating func push(_ scalar: UInt32) {
        let pair = FeatureHash.join(recent.0, scalar)
        emit(pair)
        if recent.1 != 0 {
            let triple = FeatureHash.join(recent.1, pair)
            emit(triple)
            if recent.2 != 0 { emit(FeatureHash.join(recent.2, triple)) }
        }
        recent = (scalar, recent.0, recent.1)
    }

    @inline(__always)
    private mutating func endWord() {
        if length > 0 {
            if hasDigit {
                count = wordStart
            } else {
                push(Self.edge)
                emit(word)
            }
            word = FeatureHash.basis
            length = 0
            recent = (Self.edge, 0, 0)
        }
        hasDigit = false
    }

    @inline(__always)
    private mutating func emit(_ value: UInt32) {
        guard count < output.count else { return }
        output[count] = FeatureHash.mix(value)
        count += 1
    }
}
