import Common

/// A range of time that is another one each time it is asked for: `previous_week`, `last_7_days`.
struct RelativePeriod: Sendable, Hashable {
    private enum Kind: Hashable {
        /// The last whole one of the calendar.
        case previous(CalendarInterval)
        /// So many whole days before today.
        case last(days: Int)
    }
    private let kind: Kind
    let text: String

    static let hint = "previous_day, previous_week, previous_month, previous_quarter, previous_year or last_7_days"

    /// nil if the text is none.
    init?(_ text: String) {
        self.text = text
        if let match = text.wholeMatch(of: #/last_([0-9]{1,3})_days/#), let days = Int(match.1), days > 0 {
            kind = .last(days: days)
        } else if text.hasPrefix("previous_"), let interval = CalendarInterval(rawValue: String(text.dropFirst(9))),
            interval != .hour
        {
            kind = .previous(interval)
        } else {
            return nil
        }
    }

    /// The range that is meant at this time, by the clock of a zone.
    func range(at now: Timestamp, in zone: ZoneOffsets) -> Range<Int64> {
        let today = CivilDate(daysSinceEpoch: Int(zone.local(now.milliseconds).flooredQuotient(by: 86_400_000)))
        let (from, to): (CivilDate, CivilDate)
        switch kind {
        case .last(let days): (from, to) = (CivilDate(daysSinceEpoch: today.daysSinceEpoch - days), today)
        case .previous(let interval):
            to = today.floored(to: interval)
            from = CivilDate(daysSinceEpoch: to.daysSinceEpoch - 1).floored(to: interval)
        }
        func start(_ day: CivilDate) -> Int64 { zone.instant(ofLocal: Int64(day.daysSinceEpoch) * 86_400_000) }
        return start(from)..<start(to)
    }
}
