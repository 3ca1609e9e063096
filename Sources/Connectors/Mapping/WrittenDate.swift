import Common

/// Dates as people write them, in an order that a mapping names: `31.12.2023`, `12/31/23 5:04 PM`.
enum WrittenDate {
    /// A day, a month and a year between `.`, `/` or `-`, with a time or not; nil for anything else.
    ///
    /// Two digits of a year are of 1970 to 2069.
    static func instant(_ text: String, dayFirst: Bool) -> Timestamp? {
        var rest = text.trimmed.utf8[...]
        func number(_ digits: ClosedRange<Int>) -> Int? {
            let digitsFound = rest.prefix { $0 &- 0x30 < 10 }
            guard digits.contains(digitsFound.count) else { return nil }
            rest = rest[digitsFound.endIndex...]
            return digitsFound.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func take(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        guard let first = number(1...2), take("./-"), let second = number(1...2), take("./-"),
            let written = number(2...4)
        else { return nil }
        let year = written < 70 ? written + 2000 : written < 100 ? written + 1900 : written
        let (day, month) = dayFirst ? (first, second) : (second, first)
        guard (1...12).contains(month), (1...CivilDate.days(inMonth: month, of: year)).contains(day) else { return nil }
        let date = Int64(CivilDate(year: year, month: month, day: day).daysSinceEpoch) * 86_400_000
        if rest.isEmpty { return Timestamp(milliseconds: date) }
        guard take(" ,T") else { return nil }
        while take(" ") {}
        guard var hour = number(1...2), take(":"), let minute = number(2...2) else { return nil }
        let second60 = take(":") ? number(2...2) : 0
        while take(" ") {}
        let half = String(decoding: rest, as: UTF8.self).lowercased()
        switch half {
        case "", "utc", "z": break
        case "am", "pm":
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + (half == "pm" ? 12 : 0)
        default: return nil
        }
        guard let second60, hour < 24, minute < 60, second60 <= 60 else { return nil }
        return Timestamp(milliseconds: date + Int64(((hour * 60 + minute) * 60 + second60) * 1000))
    }
}
