import Common
import TestKit
import Testing

@testable import ServiceKit

@Suite("Times of a schedule")
struct CronTests {
    private func times(_ text: String, in zone: String, after: String, count: Int) throws -> [String] {
        let cron = try Cron(text, timeZone: zone)
        var at = try #require(Timestamp(after))
        return try (0..<count).map { _ in
            at = try #require(cron.next(after: at))
            return String(at.description.prefix(16))
        }
    }

    @Test("every Monday at 8 by the clock of Berlin, in winter and in summer")
    func mondays() throws {
        #expect(
            try times("0 8 * * MON", in: "Europe/Berlin", after: "2026-03-20", count: 3)
                == ["2026-03-23T07:00", "2026-03-30T06:00", "2026-04-06T06:00"])
    }

    @Test("what the clock skips in spring happens when it has skipped, once")
    func gap() throws {
        #expect(
            try times("*/30 2 * * *", in: "Europe/Berlin", after: "2026-03-28T12:00:00Z", count: 3)
                == ["2026-03-29T01:00", "2026-03-30T00:00", "2026-03-30T00:30"])
    }

    @Test("what the clock shows twice in autumn happens once")
    func overlap() throws {
        #expect(
            try times("30 2 * * *", in: "Europe/Berlin", after: "2026-10-24T12:00:00Z", count: 2)
                == ["2026-10-25T00:30", "2026-10-26T01:30"])
    }

    @Test("a 29th of February is waited for")
    func leapDay() throws {
        #expect(
            try times("0 0 29 2 *", in: "UTC", after: "2024-03-01", count: 2) == [
                "2028-02-29T00:00", "2032-02-29T00:00",
            ])
    }

    @Test("where the day of the month and of the week are given, one is enough")
    func eitherDay() throws {
        #expect(
            try times("0 0 13 * FRI", in: "UTC", after: "2026-02-06T12:00:00Z", count: 3)
                == ["2026-02-13T00:00", "2026-02-20T00:00", "2026-02-27T00:00"])
    }

    @Test("as going through all minutes would find it")
    func oracle() throws {
        var random = RandomSource(seed: 4)
        for _ in 0..<60 {
            let minute = Int.random(in: 0...59, using: &random)
            let step = Int.random(in: 1...40, using: &random)
            let hour = Int.random(in: 0...20, using: &random)
            let day = Int.random(in: 0...6, using: &random)
            let cron = try Cron("\(minute),\(step)-59/\(step) \(hour)-\(hour + 3) * * \(day)", timeZone: "UTC")
            let start: Int64 = Int64.random(in: 28_000_000...29_000_000, using: &random)
            var at = start + 1
            while true {
                let (d, m) = (Int(at / 1440), Int(at % 1440))
                let isMinute = m % 60 == minute || (m % 60 >= step && (m % 60 - step) % step == 0)
                let isDay = CivilDate(daysSinceEpoch: d).weekday == day
                if isMinute, (hour...hour + 3).contains(m / 60), isDay { break }
                at += 1
            }
            #expect(cron.next(after: Timestamp(seconds: start * 60)) == Timestamp(seconds: at * 60), "\(cron)")
        }
    }

    @Test(
        "says what is wrong with a rule",
        arguments: [
            ("0 8 * *", "4 fields"), ("60 8 * * *", "minute `60`"), ("0 8 * * MOO", "day of the week `MOO`"),
            ("0 8 31 2 *", "never happens"), ("*/0 * * * *", "no step"), ("30-10 * * * *", "backwards"),
        ])
    func errors(text: String, part: String) {
        #expect {
            try Cron(text, timeZone: "UTC")
        } throws: {
            "\($0)".contains(part)
        }
        #expect(throws: CronError.self) { try Cron("@daily", timeZone: "Europe/Atlantis") }
    }

    @Test("missed runs are caught up, stand for one, or are left out, as configured")
    func missed() throws {
        let cron = try Cron("@hourly", timeZone: "UTC")
        let (next, now) = (Timestamp("2026-01-01T01:00:00Z")!, Timestamp("2026-01-01T04:20:00Z")!)
        func hours(_ missed: JobSchedule.Missed) -> [String] {
            JobSchedule("s", cron, missed: missed, request: JobRequest("k", workspace: nil)).runs(
                from: next, until: now
            )
            .map { String($0.description.dropFirst(11).prefix(2)) }
        }
        #expect(hours(.all(atMost: 10)) == ["01", "02", "03", "04"])
        #expect(hours(.all(atMost: 2)) == ["03", "04"])
        #expect(hours(.once) == ["04"])
        #expect(hours(.skip(after: 1800)) == ["04"])
        #expect(hours(.skip(after: 600)) == [])
    }
}
