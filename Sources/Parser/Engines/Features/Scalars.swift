/// Bytes of a text that is being read.
typealias Bytes = UnsafeBufferPointer<UInt8>

/// What a code point is to the features.
enum ScalarClass {
    /// Part of a word that spaces or signs end.
    case letter
    case digit
    /// Letter of a script that writes no spaces between words: Thai, Lao, Khmer, Burmese.
    case unspaced
    /// Han and kana, where one or two signs are a word.
    case ideograph
    case hangul
    /// An emoji or another pictorial sign.
    case symbol
    /// Joins or varies the sign before it, and is passed over.
    case modifier
    case separator
}

/// Reading of UTF-8 that never fails, and folding of case.
enum Scalars {
    /// The code point at an index and its length in bytes; what is not UTF-8 is U+FFFD of one byte.
    @inline(__always)
    static func decode(_ text: Bytes, at index: Int) -> (scalar: UInt32, length: Int) {
        let first = UInt32(text[index])
        if first < 0x80 { return (first, 1) }
        let left = text.count - index
        if first >= 0xC2, first < 0xE0, left > 1 {
            let second = UInt32(text[index + 1])
            if second & 0xC0 == 0x80 { return ((first & 0x1F) << 6 | (second & 0x3F), 2) }
        } else if first >= 0xE0, first < 0xF0, left > 2 {
            let second = UInt32(text[index + 1])
            let third = UInt32(text[index + 2])
            let scalar = (first & 0x0F) << 12 | (second & 0x3F) << 6 | (third & 0x3F)
            if second & 0xC0 == 0x80, third & 0xC0 == 0x80, scalar >= 0x800, scalar & 0xF800 != 0xD800 {
                return (scalar, 3)
            }
        } else if first >= 0xF0, first < 0xF5, left > 3 {
            let second = UInt32(text[index + 1])
            let third = UInt32(text[index + 2])
            let fourth = UInt32(text[index + 3])
            let scalar = (first & 0x07) << 18 | (second & 0x3F) << 12 | (third & 0x3F) << 6 | (fourth & 0x3F)
            if second & 0xC0 == 0x80, third & 0xC0 == 0x80, fourth & 0xC0 == 0x80, scalar >= 0x10000,
                scalar < 0x110000
            {
                return (scalar, 4)
            }
        }
        return (0xFFFD, 1)
    }

    /// The class of a code point beyond ASCII.
    @inline(__always)
    static func classify(_ scalar: UInt32) -> ScalarClass {
        switch scalar {
        case 0x80...0xA9, 0xAB...0xB4, 0xB6...0xB9, 0xBB...0xBF, 0xD7, 0xF7: .separator
        case 0x00AA...0x0DFF: .letter
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF: .unspaced
        case 0x0F00...0x0FFF, 0x10A0...0x10FF, 0x1200...0x177F, 0x1800...0x1FFF: .letter
        case 0x1100...0x11FF: .hangul
        case 0x200B...0x200D, 0x20D0...0x20FF, 0xFE00...0xFE0F: .modifier
        case 0x2000...0x206F: .separator
        case 0x2190...0x2BFF: .symbol
        case 0x3005...0x3007, 0x3041...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF: .ideograph
        case 0x3000...0x303F, 0xFE10...0xFE6F, 0xFF00...0xFF0F, 0xFF1A...0xFF20, 0xFF3B...0xFF40,
            0xFF5B...0xFF65, 0xFFF0...0xFFFF:
            .separator
        case 0xAC00...0xD7AF: .hangul
        case 0x1F3FB...0x1F3FF, 0xE0000...0xE0FFF: .modifier
        case 0x1F000...0x1FAFF: .symbol
        case 0x20000...0x323AF: .ideograph
        default: .letter
        }
    }

    /// The lower-case form, for the scripts that have case.
    @inline(__always)
    static func fold(_ scalar: UInt32) -> UInt32 {
        if scalar < 0x80 { return scalar &- 0x41 < 26 ? scalar | 0x20 : scalar }
        return scalar < 0x600 || scalar &- 0x1E00 < 0x100 ? foldWide(scalar) : scalar
    }

    private static func foldWide(_ scalar: UInt32) -> UInt32 {
        switch scalar {
        case 0xC0...0xD6, 0xD8...0xDE, 0x391...0x3A1, 0x3A3...0x3A9, 0x410...0x42F: scalar + 0x20
        case 0x130: 0x69
        case 0x178: 0xFF
        case 0x139...0x148, 0x179...0x17E, 0x4C1...0x4CE: scalar + (scalar & 1)
        case 0x100...0x177, 0x1A0...0x1A5, 0x200...0x233, 0x460...0x481, 0x48A...0x4BF, 0x4D0...0x52F,
            0x1E00...0x1EFF:
            scalar | 1
        case 0x1AF: 0x1B0
        case 0x18F: 0x259
        case 0x386: 0x3AC
        case 0x388...0x38A: scalar + 0x25
        case 0x38C: 0x3CC
        case 0x38E, 0x38F: scalar + 0x3F
        case 0x3C2: 0x3C3
        case 0x400...0x40F: scalar + 0x50
        case 0x531...0x556: scalar + 0x30
        default: scalar
        }
    }
}

/// The hash of features: FNV-1a over code points, mixed at the end.
enum FeatureHash {
    static let basis: UInt32 = 0x811C_9DC5

    @inline(__always)
    static func add(_ scalar: UInt32, to hash: UInt32) -> UInt32 { (hash ^ scalar) &* 0x0100_0193 }

    @inline(__always)
    static func join(_ first: UInt32, _ second: UInt32) -> UInt32 {
        (first &* 0x9E37_79B1 ^ second) &* 0x85EB_CA6B
    }

    @inline(__always)
    static func mix(_ hash: UInt32) -> UInt32 {
        var mixed = hash
        mixed ^= mixed >> 15
        mixed = mixed &* 0x2C1B_3C6D
        mixed ^= mixed >> 12
        mixed = mixed &* 0x297A_2D39
        mixed ^= mixed >> 15
        return mixed
    }
}
