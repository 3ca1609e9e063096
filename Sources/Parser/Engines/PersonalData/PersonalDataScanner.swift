import Common

/// Looks through a text once for what has the form of personal data.
struct PersonalDataScanner {
    private let text: Bytes
    private var spans: [PersonalDataSpan] = []
    /// What lies before here belongs to a span already.
    private var taken = 0

    /// More spans than this are not taken from one text.
    private static let limit = 256

    static func scan(_ text: Bytes) -> [PersonalDataSpan] {
        var scanner = PersonalDataScanner(text: text)
        scanner.run()
        return scanner.spans
    }

    private init(text: Bytes) { self.text = text }

    private mutating func run() {
        var index = 0
        while index < text.count, spans.count < Self.limit {
            let byte = text[index]
            if byte == UInt8(ascii: "@") {
                index = email(at: index)
            } else if byte &- 0x30 < 10 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "(") {
                index = number(at: index)
            } else if byte &- 0x41 < 26, isStart(index) {
                index = iban(at: index)
            } else if byte == UInt8(ascii: ":"), index + 1 < text.count,
                text[index + 1] == UInt8(ascii: ":") || isHex(text[index + 1])
            {
                index = longAddress(at: index)
            } else {
                index += 1
            }
        }
    }

    private mutating func take(_ kind: PersonalDataSpan.Kind, _ range: Range<Int>) -> Int {
        spans.append(PersonalDataSpan(kind: kind, range: range))
        taken = range.upperBound
        return range.upperBound
    }

    // MARK: - Bytes

    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
    private func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) || byte >= 0x80 }
    private func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }

    /// Whether no word goes on at an index.
    private func isStart(_ index: Int) -> Bool {
        guard index > 0 else { return true }
        let before = text[index - 1]
        return !isWord(before) && before != UInt8(ascii: "_") && before != UInt8(ascii: "#")
    }

    private func isEnd(_ index: Int) -> Bool {
        guard index < text.count else { return true }
        let after = text[index]
        return !(isDigit(after) || isLetter(after) || after == UInt8(ascii: "_") || after == UInt8(ascii: "%"))
    }

    // MARK: - E-mail

    private mutating func email(at sign: Int) -> Int {
        var start = sign
        while start > taken, sign - start < 64, isLocal(text[start - 1]) { start -= 1 }
        while start < sign, !isDigit(text[start]), !isLetter(text[start]) { start += 1 }
        var end = sign + 1
        var lastDot = -1
        while end < text.count, end - sign < 255,
            isDigit(text[end]) || isLetter(text[end]) || text[end] == UInt8(ascii: "-")
                || text[end] == UInt8(ascii: ".")
        {
            if text[end] == UInt8(ascii: ".") {
                guard text[end - 1] != UInt8(ascii: "."), end > sign + 1 else { break }
                lastDot = end
            }
            end += 1
        }
        if lastDot == end - 1 {
            // The dot ends the sentence
            end -= 1
            lastDot = text[(sign + 1)..<end].lastIndex(of: UInt8(ascii: ".")) ?? -1
        }
        guard start < sign, lastDot > sign + 1, end - lastDot > 2, text[lastDot + 1..<end].allSatisfy(isLetter),
            !Self.fileEndings.contains(String(decoding: text[lastDot + 1..<end], as: UTF8.self).lowercased()),
            !(end < text.count && text[end] == UInt8(ascii: ":") && text[start..<sign].elementsEqual("git".utf8))
        else { return sign + 1 }
        return take(.email, start..<end)
    }

    /// `icon@2x.png` is no address.
    private static let fileEndings: Set<String> = ["png", "jpg", "jpeg", "gif", "svg", "webp", "html", "js", "css"]

    private func isLocal(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLetter(byte) || [0x2E, 0x5F, 0x25, 0x2B, 0x2D].contains(byte)
    }

    // MARK: - Numbers

    /// Groups of digits with single signs between them.
    private struct Groups {
        /// The number of digits of each group.
        var lengths: [Int] = []
        var digits: [UInt8] = []
        var separators: [UInt8] = []
        var end = 0
        var hasPlus = false
        var hasParenthesis = false
    }

    private mutating func number(at start: Int) -> Int {
        let plain = digitsEnd(start)
        guard isStart(start),
            start == 0 || ![0x2E, 0x2F, 0x24, 0x2D, 0x3D, 0x26].contains(text[start - 1]) || text[start] == 0x2B
        else {
            return max(plain, start + 1)
        }
        if text[start] &- 0x30 < 10, let end = shortAddress(at: start) { return take(.ip, start..<end) }
        guard let groups = groups(at: start), isEnd(groups.end) else { return max(plain, start + 1) }
        if isCard(groups) { return take(.card, start..<groups.end) }
        if isPhone(groups, at: start) { return take(.phone, start..<groups.end) }
        return groups.digits.count > 4 ? groups.end : max(plain, start + 1)
    }

    private func digitsEnd(_ start: Int) -> Int {
        var index = start
        while index < text.count, isDigit(text[index]) { index += 1 }
        return index
    }

    private func groups(at start: Int) -> Groups? {
        var groups = Groups()
        var index = start
        if text[index] == UInt8(ascii: "+") {
            groups.hasPlus = true
            index += 1
        }
        while index < text.count, groups.digits.count < 24 {
            let digitsStart = index
            while index < text.count, isDigit(text[index]), groups.digits.count < 24 {
                groups.digits.append(text[index] - 0x30)
                index += 1
            }
            if index > digitsStart {
                groups.lengths.append(index - digitsStart)
                groups.end = index
            }
            guard index < text.count else { break }
            // ") " and " (" part groups as one sign does
            var between = index
            while between < text.count, between - index < 2,
                [0x20, 0x2D, 0x2E, 0x2F, 0x28, 0x29].contains(text[between])
            {
                if text[between] == 0x28 || text[between] == 0x29 { groups.hasParenthesis = true }
                between += 1
            }
            guard between < text.count, isDigit(text[between]), between > index || index == start else { break }
            if between > index, !groups.lengths.isEmpty { groups.separators.append(text[between - 1]) }
            index = between
        }
        return groups.digits.isEmpty ? nil : groups
    }

    private func isCard(_ groups: Groups) -> Bool {
        let digits = groups.digits
        guard !groups.hasPlus, !groups.hasParenthesis, (13...19).contains(digits.count),
            groups.separators.allSatisfy({ $0 == 0x20 || $0 == 0x2D }),
            groups.lengths.count == 1 || groups.lengths[0] == 4
        else { return false }
        let two = Int(digits[0]) * 10 + Int(digits[1])
        let four = two * 100 + Int(digits[2]) * 10 + Int(digits[3])
        let isIssuer =
            switch digits.count {
            case 13, 19: digits[0] == 4
            case 14: two == 36 || two == 38 || two == 30
            case 15: two == 34 || two == 37
            case 16:
                digits[0] == 4 || (51...55).contains(two) || (2221...2720).contains(four) || four == 6011 || two == 65
                    || two == 35
            default: false
            }
        guard isIssuer else { return false }
        var sum = 0
        for (position, digit) in digits.reversed().enumerated() {
            let value = position % 2 == 0 ? Int(digit) : Int(digit) * 2
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    private func isPhone(_ groups: Groups, at start: Int) -> Bool {
        let count = groups.digits.count
        let lengths = groups.lengths
        // A time of day, or a decimal
        if groups.end < text.count, text[groups.end] == UInt8(ascii: ":") { return false }
        if lengths.count == 2, groups.separators == [0x2E] { return false }
        if groups.hasPlus {
            return (8...15).contains(count) && (lengths.count > 1 || count >= 10) && groups.digits[0] != 0
        }
        guard groups.separators.allSatisfy({ $0 != 0x2F }) || lengths.count == 2 else { return false }
        if isDate(lengths) { return false }
        if lengths == [3, 3, 4], groups.digits[0] > 1 { return true }
        if lengths == [1, 3, 3, 4], groups.digits[0] == 1 { return true }
        if groups.digits[0] == 0 {
            let isSpaced = lengths.count > 1 && groups.separators.allSatisfy { $0 != 0x2E }
            if isSpaced, (9...14).contains(count), lengths.count <= 6, lengths[0] > 1 { return true }
            if lengths == [2, 2, 2, 2, 2] { return true }
            if lengths.count == 1, count == 11, groups.digits[1] > 6 { return true }
        }
        return (7...13).contains(count) && isAnnounced(start)
    }

    private func isDate(_ lengths: [Int]) -> Bool {
        guard lengths.count >= 3 else { return false }
        return lengths[0] <= 2 && lengths[1] <= 2 && lengths[2] == 4
            || lengths[0] == 4 && lengths[1] <= 2 && lengths[2] <= 2
    }

    /// Whether the words before speak of a phone.
    private func isAnnounced(_ start: Int) -> Bool {
        let window = text[max(0, start - 24)..<start].map { UInt8(truncatingIfNeeded: Scalars.fold(UInt32($0))) }
        return Self.announcements.contains { word in
            guard window.count >= word.count else { return false }
            return (0...window.count - word.count).contains { window[$0...].starts(with: word) }
        }
    }

    private static let announcements: [[UInt8]] = [
        "phone", "call me", "call us", " tel", "mobile", "whatsapp", "cell", " fax", "telefon", "teléfono", "téléphone",
        "handy", "móvil", "celular",
    ].map { Array($0.utf8) }

    // MARK: - IP addresses

    /// The end of an IPv4 address; a version of four parts is none.
    private func shortAddress(at start: Int) -> Int? {
        var parts: [Int] = []
        var index = start
        var long = 0
        while parts.count < 4 {
            let end = digitsEnd(index)
            guard end > index, end - index <= 3, let value = Int(String(decoding: text[index..<end], as: UTF8.self)),
                value < 256, end - index == 1 || text[index] != 0x30
            else { return nil }
            parts.append(value)
            if end - index > 1 { long += 1 }
            index = end
            if parts.count < 4 {
                guard index < text.count, text[index] == UInt8(ascii: ".") else { return nil }
                index += 1
            }
        }
        guard isEnd(index), !(index + 1 < text.count && text[index] == UInt8(ascii: ".") && isDigit(text[index + 1]))
        else { return nil }
        // The machine itself, and none at all, are nobody's
        guard parts[0] != 127, parts[0] != 0 else { return nil }
        let isKnown =
            parts[0] == 10 && long > 1 || parts[0] == 192 && parts[1] == 168
            || parts[0] == 172 && (16...31).contains(parts[1])
        guard isKnown || long >= 3 || isNamed(start, ["ip", "address", "server", "host", "dns", "ping"]) else {
            return nil
        }
        return isNamed(start, ["version", "ver", "build", "release", "firmware", "update", "driver"]) ? nil : index
    }

    /// Whether the word before is one of these.
    private func isNamed(_ start: Int, _ words: [String]) -> Bool {
        var end = start
        while end > 0, start - end < 3, !isLetter(text[end - 1]) { end -= 1 }
        var first = end
        while first > 0, end - first < 12, isLetter(text[first - 1]) { first -= 1 }
        let word = String(decoding: text[first..<end], as: UTF8.self).lowercased()
        return words.contains(word)
    }

    /// An IPv6 address around a colon.
    private mutating func longAddress(at colon: Int) -> Int {
        var start = colon
        while start > taken, colon - start < 5, isHex(text[start - 1]) { start -= 1 }
        var end = colon
        while end < text.count, end - start < 46, isHex(text[end]) || text[end] == UInt8(ascii: ":") { end += 1 }
        if end > colon + 1, text[end - 1] == UInt8(ascii: ":"), text[end - 2] != UInt8(ascii: ":") { end -= 1 }
        let next = max(end, colon + 1)
        guard isStart(start), isEnd(end) else { return next }
        let groups = text[start..<end].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let filled = groups.filter { !$0.isEmpty }
        guard filled.allSatisfy({ $0.count <= 4 }) else { return next }
        let gaps = groups.count - filled.count
        let isWhole = groups.count == 8 && gaps == 0
        let isShort = gaps == 1 && filled.count >= 3 && groups.count <= 8
        guard isWhole || isShort, filled.contains(where: { $0.count > 2 }) else { return next }
        return take(.ip, start..<end)
    }

    // MARK: - IBAN

    private mutating func iban(at start: Int) -> Int {
        guard start + 15 <= text.count, text[start + 1] &- 0x41 < 26, isDigit(text[start + 2]), isDigit(text[start + 3])
        else {
            return start + 1
        }
        let country = String(decoding: text[start..<start + 2], as: UTF8.self)
        guard let length = Self.lengths[country] else { return start + 1 }
        var signs: [UInt8] = []
        var index = start
        while index < text.count, signs.count < length {
            let byte = text[index]
            if byte == 0x20, signs.count % 4 == 0, !signs.isEmpty {
                index += 1
            } else if isDigit(byte) || byte &- 0x41 < 26 {
                signs.append(byte)
                index += 1
            } else {
                break
            }
        }
        guard signs.count == length, isEnd(index) else { return start + 1 }
        var remainder = 0
        for sign in signs[4...] + signs[..<4] {
            let value = isDigit(sign) ? Int(sign) - 0x30 : Int(sign) - 0x41 + 10
            remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
        }
        return remainder == 1 ? take(.iban, start..<index) : start + 1
    }

    private static let lengths: [String: Int] = [
        "AD": 24, "AE": 23, "AT": 20, "BA": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
        "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26,
        "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15,
        "PL": 28, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26,
        "UA": 29,
    ]
}
