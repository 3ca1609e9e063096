import Common
import ServiceKit

import struct Foundation.TimeZone

extension InsightQuestion {
    static let parameterNames =
        ["workspace_id", "from", "to", "interval", "timezone", "group_by", "compare"] + FeedbackFilter.parameterNames

    /// Checks the parameters and resolves them; without a range the last thirty days are meant.
    init(_ parameters: Parameters, workspace: WorkspaceID, now: Timestamp, settings: ReportsSettings) throws {
        try parameters.requireOnly(Self.parameterNames)
        let zone = try Self.zone(parameters)
        let range = try Self.range(parameters, zone: zone, now: now)
        let interval = try Self.interval(parameters) ?? Self.usual(for: range)
        do {
            buckets = try CalendarBuckets(range, by: interval, in: zone, limit: settings.maximumBuckets)
        } catch {
            throw Problem.badParameter(
                "interval",
                "is \(interval.rawValue), which makes more than \(error.limit) buckets; ask for a longer interval or a "
                    + "shorter range")
        }
        self.workspace = workspace
        self.interval = interval
        self.zone = zone
        previous = Self.previous(range, in: zone)
        groupings = try parameters.list("group_by").map(Self.grouping)
        filter = try FeedbackFilter(parameters)
        switch try parameters.one("compare") {
        case nil, "none": comparesPrevious = false
        case "previous_period": comparesPrevious = true
        case let other?: throw Problem.badParameter("compare", "is \(other); send `previous_period`, or leave it out")
        }
    }

    static func zone(_ parameters: Parameters) throws -> ZoneOffsets {
        let name = try parameters.one("timezone") ?? "UTC"
        if let zone = ZoneCache.shared[name] { return zone }
        let nearest = Suggestion.nearest(to: name, among: TimeZone.knownTimeZoneIdentifiers + currentZoneNames)
        let hint = nearest.map { "did you mean `\($0)`?" } ?? "send an IANA name such as Europe/Berlin"
        throw Problem.badParameter("timezone", "is \(name), which is no time zone; \(hint)")
    }

    /// Names of today that the system lists by their old ones.
    private static let currentZoneNames = [
        "UTC", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Yangon", "Asia/Ho_Chi_Minh", "Europe/Kyiv", "America/Nuuk",
        "America/Argentina/Buenos_Aires", "Pacific/Kanton", "Atlantic/Faroe",
    ]

    /// `from` inclusive, `to` exclusive; a date means the local midnight at which it begins.
    static func range(_ parameters: Parameters, zone: ZoneOffsets, now: Timestamp) throws -> Range<Int64> {
        let day: Int64 = 86_400_000
        let tomorrow = (zone.local(now.milliseconds).flooredQuotient(by: day) + 1) * day
        let to = try instant("to", parameters, zone: zone) ?? zone.instant(ofLocal: tomorrow)
        let from =
            try instant("from", parameters, zone: zone)
            ?? zone.instant(ofLocal: (zone.local(to).flooredQuotient(by: day) - 30) * day)
        guard from < to else {
            throw Problem.badParameter(
                "to",
                "is not after `from` (\(LocalTime(instant: from, zone: zone))); it is exclusive: for one day send the next"
            )
        }
        return from..<to
    }

    /// An instant, or a date or a time without a zone by the clock of the zone.
    static func instant(_ name: String, _ parameters: Parameters, zone: ZoneOffsets) throws -> Int64? {
        guard var text = try parameters.one(name) else { return nil }
        // An unescaped plus sign of an offset arrives as a blank.
        if let blank = text.lastIndex(of: " "), text[blank...].count == 6, text.contains("T") {
            text.replaceSubrange(blank...blank, with: "+")
        }
        guard let value = Timestamp(text), (0...9999).contains(Int(text.prefix(4)) ?? -1) else {
            throw Problem.badParameter(
                name, "is \(text), which is neither a date (2021-02-20) nor an instant (2021-02-20T10:00:00Z)")
        }
        let tail = text.dropFirst(10)
        let hasZone = tail.contains { "Zz+-".contains($0) } || tail.hasSuffix("UTC") || tail.hasSuffix("GMT")
        return hasZone ? value.milliseconds : zone.instant(ofLocal: value.milliseconds)
    }

    private static func interval(_ parameters: Parameters) throws -> CalendarInterval? {
        guard let text = try parameters.one("interval") else { return nil }
        guard let interval = CalendarInterval(rawValue: text.lowercased()) else {
            let hint = Suggestion.hint(for: text, among: CalendarInterval.allCases.map(\.rawValue))
            throw Problem.badParameter("interval", "is \(text); \(hint)")
        }
        return interval
    }

    /// The interval that makes a readable number of buckets.
    private static func usual(for range: Range<Int64>) -> CalendarInterval {
        switch (range.upperBound - range.lowerBound) / 86_400_000 {
        case ..<4: .hour
        case ..<93: .day
        case ..<400: .week
        case ..<3700: .month
        default: .year
        }
    }

    /// As many days before, if the range is of whole days; else as much time before.
    private static func previous(_ range: Range<Int64>, in zone: ZoneOffsets) -> Range<Int64> {
        let day: Int64 = 86_400_000
        let from = zone.local(range.lowerBound)
        let to = zone.local(range.upperBound)
        guard from.flooredRemainder(by: day) == 0, to.flooredRemainder(by: day) == 0 else {
            return range.lowerBound - (range.upperBound - range.lowerBound)..<range.lowerBound
        }
        return zone.instant(ofLocal: from - (to - from))..<range.lowerBound
    }

    private static func grouping(_ text: String) throws -> Grouping {
        guard let grouping = Grouping(rawValue: text.lowercased()) else {
            let hint = Suggestion.hint(for: text, among: Grouping.allCases.map(\.rawValue))
            throw Problem.badParameter("group_by", "has \(text); \(hint)")
        }
        return grouping
    }
}
