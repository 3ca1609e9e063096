/// What one value of a table looks like.
public enum ValueKind: Sendable, Hashable {
    case empty
    case number(Double)
    case time(WrittenTime)
    case email
    /// `https://…`
    case address
    /// Several words.
    case sentence
    /// One word: a name, a code, an identifier.
    case word

    public init(of value: String) {
        let text = value.drop { $0.isWhitespace }
        guard !text.isEmpty else {
            self = .empty
            return
        }
        if let number = Double(text) {
            self = .number(number)
        } else if let time = WrittenTime(of: text) {
            self = .time(time)
        } else if text.hasPrefix("http://") || text.hasPrefix("https://") {
            self = .address
        } else if text.contains(where: \.isWhitespace) {
            self = .sentence
        } else if let at = text.firstIndex(of: "@"), at > text.startIndex,
            text[text.index(after: at)...].contains("."), !text[text.index(after: at)...].contains("@")
        {
            self = .email
        } else {
            self = .word
        }
    }
}

/// The order in which a date is written.
public enum WrittenTime: Sendable, Hashable {
    /// `2023-12-31`, with a time or not.
    case yearFirst
    /// `31.12.2023` or `31/12/2023`: the first number is over 12.
    case dayFirst
    /// `12/31/2023`: the second number is over 12.
    case monthFirst
    /// Both are 12 at most.
    case either

    init?(of text: some StringProtocol) {
        let date = text.utf8.prefix { $0 != 0x20 && $0 != UInt8(ascii: "T") && $0 != UInt8(ascii: ",") }
        let parts = date.split(omittingEmptySubsequences: false) { [0x2D, 0x2E, 0x2F].contains($0) }
        guard parts.count == 3, parts.allSatisfy({ 1...4 ~= $0.count && $0.allSatisfy { $0 &- 0x30 < 10 } }) else {
            return nil
        }
        let numbers = parts.map { $0.reduce(0) { $0 * 10 + Int($1 - 0x30) } }
        if parts[0].count == 4 {
            guard 1...12 ~= numbers[1], 1...31 ~= numbers[2] else { return nil }
            self = .yearFirst
        } else {
            guard parts[0].count < 3, parts[1].count < 3, parts[2].count == 4 || parts[2].count == 2,
                1...31 ~= numbers[0], 1...31 ~= numbers[1], min(numbers[0], numbers[1]) <= 12
            else { return nil }
            self = numbers[0] > 12 ? .dayFirst : numbers[1] > 12 ? .monthFirst : .either
        }
    }
}
