import Common

/// The length of a bucket of a series.
public enum CalendarInterval: String, Sendable, Codable, CaseIterable {
    /// A week begins on Monday (ISO 8601).
    case hour, day, week, month, quarter, year
}

/// A range of time, cut where a calendar cuts it. All times are in milliseconds.
struct CalendarBuckets: Sendable, Hashable {
    /// Where each bucket begins by the calendar; the first may begin before the range.
    let starts: [Int64]
    let range: Range<Int64>

    /// Cuts a range; throws if there would be more than `limit` buckets.
    init(_ range: Range<Int64>, by interval: CalendarInterval, in zone: ZoneOffsets, limit: Int) throws(TooManyBuckets)
    {
        var cuts = Cuts(from: range.lowerBound, by: interval, in: zone)
        var starts: [Int64] = []
        while let start = cuts.next(), start < range.upperBound {
            if start <= range.lowerBound { starts.removeAll(keepingCapacity: true) }
            if start != starts.last { starts.append(start) }
            guard starts.count <= limit else { throw TooManyBuckets(limit: limit) }
        }
        self.starts = starts
        self.range = range
    }

    /// Which bucket an instant of the range is in.
    func position(of instant: Int64) -> Int { starts.position(of: instant) }

    /// Whether quarters of hours lie in one bucket each, and wholly inside or outside of the range.
    var isMadeOfQuarters: Bool {
        let quarter = RollupKey.bucketLength
        return range.lowerBound % quarter == 0 && range.upperBound % quarter == 0
            && starts.dropFirst().allSatisfy { $0 % quarter == 0 }
    }

    /// Whether days of UTC that are wholly in the range lie in one bucket each.
    var isMadeOfDays: Bool { starts.dropFirst().allSatisfy { $0 % DayKey.length == 0 } }

    struct TooManyBuckets: Error { let limit: Int }
}

/// The instants at which a calendar cuts time, from the last one before an instant on.
private struct Cuts {
    private let interval: CalendarInterval
    private let zone: ZoneOffsets
    private var date: CivilDate
    private var instant: Int64

    init(from instant: Int64, by interval: CalendarInterval, in zone: ZoneOffsets) {
        self.interval = interval
        self.zone = zone
        let local = zone.local(instant)
        date = CivilDate(daysSinceEpoch: Int(local.flooredQuotient(by: 86_400_000))).floored(to: interval)
        let sinceHour = local.flooredRemainder(by: 3_600_000)
        let beforeHour = zone.transition(after: instant - sinceHour - 1)
        self.instant = beforeHour.map { $0 <= instant ? $0 : instant - sinceHour } ?? instant - sinceHour
    }

    mutating func next() -> Int64? {
        if interval == .hour {
            defer {
                let whole = instant + 3_600_000 - zone.local(instant).flooredRemainder(by: 3_600_000)
                instant = min(whole, zone.transition(after: instant) ?? whole)
            }
            return instant
        }
        defer { date = date.advanced(by: interval) }
        return zone.instant(ofLocal: Int64(date.daysSinceEpoch) * 86_400_000)
    }
}

extension CivilDate {
    /// The first day of the interval that the day is in.
    func floored(to interval: CalendarInterval) -> CivilDate {
        switch interval {
        case .hour, .day: self
        case .week: CivilDate(daysSinceEpoch: daysSinceEpoch - (weekday + 6) % 7)
        case .month: CivilDate(year: year, month: month, day: 1)
        case .quarter: CivilDate(year: year, month: (month - 1) / 3 * 3 + 1, day: 1)
        case .year: CivilDate(year: year, month: 1, day: 1)
        }
    }

    /// The first day of the next interval, from the first day of one.
    func advanced(by interval: CalendarInterval) -> CivilDate {
        switch interval {
        case .hour, .day: CivilDate(daysSinceEpoch: daysSinceEpoch + 1)
        case .week: CivilDate(daysSinceEpoch: daysSinceEpoch + 7)
        case .month:
            month == 12 ? CivilDate(year: year + 1, month: 1, day: 1) : CivilDate(year: year, month: month + 1, day: 1)
        case .quarter:
            month > 9 ? CivilDate(year: year + 1, month: 1, day: 1) : CivilDate(year: year, month: month + 3, day: 1)
        case .year: CivilDate(year: year + 1, month: 1, day: 1)
        }
    }
}

/// An instant as the clock of a zone shows it: `2021-01-01T00:00:00+05:30`.
struct LocalTime: CustomStringConvertible {
    let instant: Int64
    let zone: ZoneOffsets

    var description: String {
        let offset = zone.offset(at: instant)
        let local = Timestamp(milliseconds: instant + offset).description.dropLast()
        let text = local.hasSuffix(".000") ? local.dropLast(4) : local
        let minutes = abs(offset) / 60_000
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(text)\(offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }
}
