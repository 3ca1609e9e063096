/// Character references: the named ones that people's texts hold, and all numeric ones.
enum HTMLEntities {
    /// The code point of the reference whose `&` is at an index, and its length; nil if it is none.
    static func read(_ source: Bytes, at index: Int) -> (scalar: UInt32, length: Int)? {
        var end = index + 1
        let limit = min(source.count, index + 12)
        if end < limit, source[end] == UInt8(ascii: "#") { return number(source, at: index, limit: limit) }
        while end < limit, (source[end] | 0x20) &- 0x61 < 26 || source[end] &- 0x30 < 10 { end += 1 }
        guard end > index + 1, end < source.count, source[end] == UInt8(ascii: ";") else { return nil }
        let name = String(decoding: source[index + 1..<end], as: UTF8.self)
        return named[name].map { ($0, end + 1 - index) }
    }

    private static func number(_ source: Bytes, at index: Int, limit: Int) -> (scalar: UInt32, length: Int)? {
        var end = index + 2
        var value: UInt32 = 0
        let isHex = end < limit && source[end] | 0x20 == UInt8(ascii: "x")
        if isHex { end += 1 }
        let first = end
        while end < limit {
            let byte = source[end]
            if byte &- 0x30 < 10 {
                value = value &* (isHex ? 16 : 10) &+ UInt32(byte - 0x30)
            } else if isHex, (byte | 0x20) &- 0x61 < 6 {
                value = value &* 16 &+ UInt32((byte | 0x20) - 0x61 + 10)
            } else {
                break
            }
            end += 1
        }
        guard end > first else { return nil }
        if end < source.count, source[end] == UInt8(ascii: ";") { end += 1 }
        let isScalar = value > 0 && value < 0x110000 && value & 0xFFFF_F800 != 0xD800
        return (isScalar ? value : 0xFFFD, end - index)
    }

    private static let named: [String: UInt32] = {
        var table: [String: UInt32] = [
            "amp": 0x26, "AMP": 0x26, "lt": 0x3C, "LT": 0x3C, "gt": 0x3E, "GT": 0x3E, "quot": 0x22, "QUOT": 0x22,
            "apos": 0x27, "hellip": 0x2026, "mdash": 0x2014, "ndash": 0x2013, "lsquo": 0x2018, "rsquo": 0x2019,
            "sbquo": 0x201A, "ldquo": 0x201C, "rdquo": 0x201D, "bdquo": 0x201E, "bull": 0x2022, "trade": 0x2122,
            "euro": 0x20AC, "lsaquo": 0x2039, "rsaquo": 0x203A, "larr": 0x2190, "uarr": 0x2191, "rarr": 0x2192,
            "darr": 0x2193, "hearts": 0x2665, "ensp": 0x20, "emsp": 0x20, "thinsp": 0x20, "zwj": 0x200D,
            "zwnj": 0x200C, "oelig": 0x153, "OElig": 0x152, "scaron": 0x161, "Scaron": 0x160, "minus": 0x2212,
            "check": 0x2713, "num": 0x23, "colon": 0x3A, "comma": 0x2C, "period": 0x2E, "lpar": 0x28, "rpar": 0x29,
            "lsqb": 0x5B, "rsqb": 0x5D, "lowbar": 0x5F, "excl": 0x21, "quest": 0x3F, "sol": 0x2F, "NewLine": 0x0A,
            "Tab": 0x09,
        ]
        for (offset, name) in latin.split(separator: " ").enumerated() { table[String(name)] = 0xA0 + UInt32(offset) }
        return table
    }()

    /// Those of U+00A0 to U+00FF, in order.
    private static let latin = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute \
        micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig \
        Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash \
        Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc \
        euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml \
        yacute thorn yuml
        """
}
