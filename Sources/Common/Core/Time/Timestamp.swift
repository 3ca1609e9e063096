public import struct Foundation.Date

/// A point in time in whole milliseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public init(seconds: Int64) { self.init(milliseconds: seconds &* 1000) }
    public init(_ date: Date) { self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded())) }

    public static var now: Timestamp { Timestamp(Date()) }
    public var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }
    public func advanced(bySeconds seconds: Double) -> Timestamp {
        Timestamp(milliseconds: milliseconds &+ Int64(seconds * 1000))
    }

    /// RFC 3339 in UTC with milliseconds: `2021-01-01T00:00:00.000Z`.
    public var description: String {
        let civil = CivilDate(daysSinceEpoch: Int(milliseconds.flooredQuotient(by: 86_400_000)))
        let inDay = Int(milliseconds.flooredRemainder(by: 86_400_000))
        var text: [UInt8] = []
        text.reserveCapacity(24)
        func digits(_ value: Int, _ width: Int) {
            var divisor = 1
            for _ in 1..<width { divisor *= 10 }
            while divisor > 0 {
                text.append(UInt8(0x30 + value / divisor % 10))
                divisor /= 10
            }
        }
        digits(civil.year, 4); text.append(0x2D); digits(civil.month, 2); text.append(0x2D); digits(civil.day, 2)
        text.append(0x54)
        digits(inDay / 3_600_000, 2); text.append(0x3A); digits(inDay / 60_000 % 60, 2); text.append(0x3A)
        digits(inDay / 1000 % 60, 2); text.append(0x2E); digits(inDay % 1000, 3); text.append(0x5A)
        return String(decoding: text, as: UTF8.self)
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Timestamp(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a date or an instant: \(text)"))
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Timestamp {
    /// Parses the date forms that providers use; a form without a zone is read as UTC.
    ///
    /// `2021-02-20`, `2021-02-20T10:11:12Z`, with a fraction, with `+02:00` or `+0200`, with a blank for the `T`,
    /// and `2015-05-17 17:06:40 UTC`.
    public init?(_ text: some StringProtocol) {
        var text = String(text)
        let parsed = text.withUTF8 { Timestamp(utf8: $0) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// Parses the same forms from UTF-8.
    public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
        var parser = TimestampParser(text: text)
        guard let milliseconds = parser.parse() else { return nil }
        self.init(milliseconds: milliseconds)
    }
}

/// A walk over the bytes of a date.
private struct TimestampParser {
    let text: UnsafeBufferPointer<UInt8>
    var at = 0

    init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

    mutating func parse() -> Int64? {
        guard let year = number(4), take(0x2D), let month = number(2), take(0x2D), let day = number(2),
            (1...12).contains(month), (1...CivilDate.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        let date = Int64(CivilDate(year: year, month: month, day: day).daysSinceEpoch) * 86_400_000
        guard at < text.count else { return date }
        guard take(0x54) || take(0x74) || take(0x20), let time = timeOfDay() else { return nil }
        while take(0x20) {}
        guard at < text.count else { return date + time }
        guard let offset = zone(), at == text.count else { return nil }
        return date + time - offset
    }

    /// `10:11`, `10:11:12`, with a fraction; in milliseconds.
    private mutating func timeOfDay() -> Int64? {
        guard let hour = number(2), take(0x3A), let minute = number(2), hour < 24, minute < 60 else { return nil }
        var second = 0
        var fraction = 0
        if take(0x3A) {
            guard let value = number(2), value <= 60 else { return nil }
            second = value
            if take(0x2E) || take(0x2C) {
                var digits = 0
                while at < text.count, text[at] &- 0x30 < 10 {
                    if digits < 3 { fraction = fraction * 10 + Int(text[at] - 0x30) }
                    digits += 1
                    at += 1
                }
                guard digits > 0 else { return nil }
                while digits < 3 { fraction *= 10; digits += 1 }
            }
        }
        return Int64(((hour * 60 + minute) * 60 + second) * 1000 + fraction)
    }

    /// `Z`, `UTC`, `GMT`, `+02:00`, `-0530`, `+02`; in milliseconds ahead of UTC.
    private mutating func zone() -> Int64? {
        if take(0x5A) || take(0x7A) { return 0 }
        let rest = text[at...]
        if rest.elementsEqual("UTC".utf8) || rest.elementsEqual("GMT".utf8) {
            at = text.count
            return 0
        }
        let isAhead = take(0x2B)
        guard isAhead || take(0x2D), let hours = number(2), hours <= 18 else { return nil }
        _ = take(0x3A)
        guard let minutes = at < text.count ? number(2) : 0, minutes < 60 else { return nil }
        return Int64((hours * 60 + minutes) * 60_000) * (isAhead ? 1 : -1)
    }

    private mutating func number(_ width: Int) -> Int? {
        guard at + width <= text.count else { return nil }
        var value = 0
        for i in at..<at + width {
            guard text[i] &- 0x30 < 10 else { return nil }
            value = value * 10 + Int(text[i] - 0x30)
        }
        at += width
        return value
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < text.count, text[at] == byte else { return false }
        at += 1
        return true
    }
}

/// A day of the proleptic Gregorian calendar.
///
/// Arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms".
public struct CivilDate: Sendable, Hashable {
    public var year: Int
    public var month: Int
    public var day: Int

    public init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    public init(daysSinceEpoch days: Int) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    public var daysSinceEpoch: Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// 0 is Sunday.
    public var weekday: Int {
        let days = daysSinceEpoch
        return days >= -4 ? (days + 4) % 7 : (days + 5) % 7 + 6
    }

    public static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension Int64 {
    public func flooredQuotient(by divisor: Int64) -> Int64 {
        let (q, r) = quotientAndRemainder(dividingBy: divisor)
        return r < 0 ? q - 1 : q
    }
    public func flooredRemainder(by divisor: Int64) -> Int64 {
        let r = self % divisor
        return r < 0 ? r + divisor : r
    }
}
