import Common
import Foundation
import Testing

@testable import Reports

@Suite struct CalendarBucketsTests {
    private static let zones = [
        "UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "America/New_York",
        "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Pacific/Chatham", "America/Havana", "Africa/Cairo",
    ]

    @Test(arguments: zones, CalendarInterval.allCases.filter { $0 != .hour })
    func bucketsAreThoseOfFoundationsCalendar(name: String, interval: CalendarInterval) throws {
        let zone = try #require(ZoneCache.shared[name])
        var calendar = Calendar(identifier: interval == .week ? .iso8601 : .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: name))
        var random = SeededGenerator(seed: name.utf8.reduce(0) { $0 &* 31 &+ Int($1) })
        for _ in 0..<20 {
            let from = Int64.random(in: 600_000_000...1_900_000_000, using: &random) * 1000
            let range = from..<from + Int64.random(in: 1...800, using: &random) * 86_400_000
            let buckets = try CalendarBuckets(range, by: interval, in: zone, limit: 10_000)
            for _ in 0..<20 {
                let instant = Int64.random(in: range, using: &random)
                let start = buckets.starts[buckets.position(of: instant)]
                let expected = Self.start(of: interval, at: instant, calendar)
                #expect(start == expected, "\(name) \(interval) \(LocalTime(instant: instant, zone: zone))")
            }
        }
    }

    private static func start(of interval: CalendarInterval, at instant: Int64, _ calendar: Calendar) -> Int64 {
        let date = Timestamp(milliseconds: instant).date
        if interval == .quarter {
            var parts = calendar.dateComponents([.year, .month], from: date)
            parts.month = ((parts.month ?? 1) - 1) / 3 * 3 + 1
            return Timestamp(calendar.startOfDay(for: calendar.date(from: parts)!)).milliseconds
        }
        let component: Calendar.Component =
            switch interval {
            case .hour: .hour
            case .day: .day
            case .week: .weekOfYear
            case .month: .month
            case .quarter: .quarter
            case .year: .year
            }
        return Timestamp(calendar.dateInterval(of: component, for: date)!.start).milliseconds
    }

    @Test(arguments: zones) func offsetsAreThoseOfFoundationsTimeZone(name: String) throws {
        let zone = try #require(ZoneCache.shared[name])
        let other = try #require(TimeZone(identifier: name))
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let seconds = Int64.random(in: -2_000_000_000...4_000_000_000, using: &random)
            #expect(
                zone.offset(at: seconds * 1000)
                    == Int64(other.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))) * 1000,
                "\(name) at \(seconds)")
        }
    }

    @Test(arguments: [
        ("Europe/Berlin", "2021-03-28", "2021-03-29", 23), ("Europe/Berlin", "2021-10-31", "2021-11-01", 25),
        ("Asia/Kolkata", "2021-03-28", "2021-03-29", 24), ("Asia/Kathmandu", "2021-03-28", "2021-03-29", 24),
        // Half an hour of summer time: one hour of the day is only half an hour long, or one half comes twice.
        ("Australia/Lord_Howe", "2021-10-03", "2021-10-04", 24),
        ("Australia/Lord_Howe", "2021-04-04", "2021-04-05", 25),
    ])
    func aDayHasItsHours(name: String, from: String, to: String, hours: Int) throws {
        let zone = try #require(ZoneCache.shared[name])
        let start = zone.instant(ofLocal: Timestamp(from)!.milliseconds)
        let end = zone.instant(ofLocal: Timestamp(to)!.milliseconds)
        let buckets = try CalendarBuckets(start..<end, by: .hour, in: zone, limit: 100)
        #expect(buckets.starts.count == hours)
        #expect(buckets.isMadeOfQuarters)
        #expect(!buckets.isMadeOfDays)
        for (one, next) in zip(buckets.starts, buckets.starts.dropFirst()) {
            #expect(next - one <= 3_600_000)
            #expect(next - one == 3_600_000 || name == "Australia/Lord_Howe")
        }
        #expect(try CalendarBuckets(start..<end, by: .day, in: zone, limit: 100).starts == [start])
    }

    @Test func localTimesAreWrittenWithTheirOffset() throws {
        let kathmandu = try #require(ZoneCache.shared["Asia/Kathmandu"])
        let start = kathmandu.instant(ofLocal: Timestamp("2021-01-01")!.milliseconds)
        #expect(LocalTime(instant: start, zone: kathmandu).description == "2021-01-01T00:00:00+05:45")
        let newYork = try #require(ZoneCache.shared["America/New_York"])
        #expect(LocalTime(instant: 1, zone: newYork).description == "1969-12-31T19:00:00.001-05:00")
        #expect(ZoneOffsets(name: "Mars/Olympus") == nil)
    }

    @Test func oddOffsetsOfHistoryAreNotMadeOfQuarters() throws {
        let zone = try #require(ZoneCache.shared["Africa/Monrovia"])  // 44 minutes and 30 seconds until 1972
        let range = Timestamp("1971-01-01T00:00:00Z")!.milliseconds..<Timestamp("1971-02-01T00:00:00Z")!.milliseconds
        #expect(try !CalendarBuckets(range, by: .day, in: zone, limit: 100).isMadeOfQuarters)
    }

    @Test func tooManyBucketsAreRefused() throws {
        let zone = try #require(ZoneCache.shared["UTC"])
        #expect(throws: CalendarBuckets.TooManyBuckets.self) {
            try CalendarBuckets(0..<(101 * 3_600_000), by: .hour, in: zone, limit: 100)
        }
        #expect(try CalendarBuckets(0..<(100 * 3_600_000), by: .hour, in: zone, limit: 100).starts.count == 100)
    }
}
