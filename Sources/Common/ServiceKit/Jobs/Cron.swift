public import Common

/// When something happens again and again: five fields as crontab has them (minute, hour, day of the month, month, day
/// of the week), by the clock of a time zone.
///
/// `*`, lists, ranges, steps, names of months and days, and `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Where
/// both days are restricted, one of them is enough. A time that the clock skips in spring happens when it has skipped; one
/// that it shows twice in autumn happens once.
public struct Cron: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    public var timeZone: String { zone.name }
    private let zone: ZoneOffsets
    private let minutes: [Int]
    private let hours: [Int]
    private let days: Set<Int>
    private let months: Set<Int>
    private let weekdays: Set<Int>
    private let isEitherDay: Bool

    /// - Throws: ``CronError`` naming the field that is wrong.
    public init(_ text: String, timeZone: String) throws {
        guard let zone = ZoneCache.shared[timeZone] else {
            throw CronError(reason: "\(timeZone) is no time zone; Europe/Berlin is one")
        }
        self.zone = zone
        description = text
        let fields = (Self.names[text] ?? text).split(separator: " ").map(String.init)
        guard fields.count == 5 else {
            throw CronError(reason: "`\(text)` has \(fields.count) fields; five are wanted, such as `0 8 * * MON`")
        }
        minutes = try Self.values(fields[0], 0...59, "minute").sorted()
        hours = try Self.values(fields[1], 0...23, "hour").sorted()
        days = try Self.values(fields[2], 1...31, "day of the month")
        months = try Self.values(fields[3], 1...12, "month", names: Self.monthNames, first: 1)
        let week = try Self.values(fields[4], 0...7, "day of the week", names: Self.dayNames, first: 0)
        weekdays = Set(week.map { $0 % 7 })
        isEitherDay = fields[2] != "*" && fields[4] != "*"
        guard next(after: Timestamp(seconds: 1_700_000_000)) != nil else {
            throw CronError(reason: "`\(text)` never happens")
        }
    }

    /// The first time after this one; nil if it never happens.
    public func next(after instant: Timestamp) -> Timestamp? {
        let today = Int(zone.local(instant.milliseconds).flooredQuotient(by: 86_400_000))
        // Eight years have a 29th of February, whatever the century.
        for day in today..<today + 366 * 8 where isOn(day) {
            for hour in hours {
                for minute in minutes {
                    let local = Int64(day) * 86_400_000 + Int64(hour * 60 + minute) * 60_000
                    let time = zone.instant(ofLocal: local)
                    if time > instant.milliseconds { return Timestamp(milliseconds: time) }
                }
            }
        }
        return nil
    }

    private func isOn(_ day: Int) -> Bool {
        let date = CivilDate(daysSinceEpoch: day)
        guard months.contains(date.month) else { return false }
        let isDay = days.contains(date.day)
        let isWeekday = weekdays.contains(date.weekday)
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }

    private static let names = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
        "@yearly": "0 0 1 1 *",
    ]
    private static let monthNames = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ]
    private static let dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

    private static func values(
        _ field: String, _ range: ClosedRange<Int>, _ what: String, names: [String] = [], first: Int = 0
    ) throws -> Set<Int> {
        func number(_ text: Substring) throws -> Int {
            if let named = names.firstIndex(of: text.uppercased()) { return named + first }
            guard let value = Int(text), range.contains(value) else {
                throw CronError(
                    reason: "\(what) `\(text)` is not from \(range.lowerBound) to \(range.upperBound), in `\(field)`")
            }
            return value
        }
        var values: Set<Int> = []
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let step = halves.count == 2 ? Int(halves[1]) ?? 0 : 1
            guard step > 0 else { throw CronError(reason: "\(what) `\(part)` has no step above 0") }
            let ends = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            let low: Int
            let high: Int
            if halves[0] == "*" {
                (low, high) = (range.lowerBound, range.upperBound)
            } else if ends.count == 2 {
                (low, high) = (try number(ends[0]), try number(ends[1]))
            } else {
                low = try number(halves[0])
                high = halves.count == 2 ? range.upperBound : low
            }
            guard low <= high else { throw CronError(reason: "\(what) `\(part)` runs backwards") }
            values.formUnion(stride(from: low, through: high, by: step))
        }
        return values
    }
}

/// Why a text says no times.
public struct CronError: Error, Sendable, Hashable, CustomStringConvertible {
    public let reason: String
    public var description: String { reason }
}
