import Common
import Foundation
import TestKit
import Testing

@Suite("Points in time")
struct TimestampTests {
    @Test(
        "reads the forms that providers write",
        arguments: [
            ("2021-02-20", 1_613_779_200_000), ("2021-02-20T10:11:12Z", 1_613_815_872_000),
            ("2021-02-20T10:11:12.345Z", 1_613_815_872_345), ("2021-02-20T10:11:12.345678901Z", 1_613_815_872_345),
            ("2021-02-20T10:11:12,3Z", 1_613_815_872_300), ("2021-02-20 10:11:12", 1_613_815_872_000),
            ("2021-02-20t10:11:12z", 1_613_815_872_000), ("2021-02-20T10:11Z", 1_613_815_860_000),
            ("2021-02-20T15:41:12+05:30", 1_613_815_872_000), ("2021-02-20T15:41:12+0530", 1_613_815_872_000),
            ("2021-02-20T03:11:12-07", 1_613_815_872_000), ("2021-02-20T03:11:12-07:00", 1_613_815_872_000),
            ("2015-05-17 17:06:40 UTC", 1_431_882_400_000), ("2015-05-17 17:06:40 GMT", 1_431_882_400_000),
            ("2000-02-29", 951_782_400_000), ("1969-12-31T23:59:59Z", -1000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] as [(String, Int64)])
    func reads(text: String, milliseconds: Int64) {
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test(
        "refuses what is no time",
        arguments: [
            "", "2021", "2021-2-20", "2021-13-01", "2021-00-10", "2021-02-29", "2021-02-30", "2021-04-31",
            "2021-02-20T",
            "2021-02-20T25:00:00Z", "2021-02-20T10:60:00Z", "2021-02-20T10:11:61Z", "2021-02-20T10:11:12.Z",
            "2021-02-20T10:11:12+", "2021-02-20T10:11:12+5", "2021-02-20T10:11:12+25:00", "2021-02-20T10:11:12Zulu",
            "2021-02-20X10:11:12Z", "２０２１-02-20", "20210220", "2021-02-20T10:11:12+05:3", "2021-02-20T10:11:12 EST",
        ])
    func refuses(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("writes RFC 3339, which it reads back, and Foundation agrees")
    func roundTrip() throws {
        var random = RandomSource(seed: 11)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<2000 {
            // Years 0001 to 9999.
            let time = Timestamp(milliseconds: .random(in: -62_135_596_800_000...253_402_300_799_999, using: &random))
            #expect(Timestamp(time.description) == time)
            if time.milliseconds > -12_219_292_800_000 {  // where Foundation has the Gregorian calendar, too
                // Foundation cuts what a double cannot hold exactly.
                let date = Date(timeIntervalSince1970: (Double(time.milliseconds) + 0.25) / 1000)
                #expect(time.description == date.formatted(style))
            }
        }
    }

    @Test("counts days as the calendar does")
    func civil() {
        var date = CivilDate(year: 1583, month: 1, day: 1)
        var days = date.daysSinceEpoch
        var weekday = date.weekday
        #expect(weekday == 6)  // a Saturday
        while date.year < 2101 {
            #expect(date.daysSinceEpoch == days)
            #expect(CivilDate(daysSinceEpoch: days) == date)
            #expect(date.weekday == weekday)
            date.day += 1
            if date.day > CivilDate.days(inMonth: date.month, of: date.year) {
                (date.day, date.month) = (1, date.month + 1)
            }
            if date.month > 12 { (date.month, date.year) = (1, date.year + 1) }
            days += 1
            weekday = (weekday + 1) % 7
        }
    }

    @Test("divides downwards below zero")
    func floored() {
        for value in -20...20 as ClosedRange<Int64> {
            let (quotient, remainder) = (value.flooredQuotient(by: 7), value.flooredRemainder(by: 7))
            #expect(quotient * 7 + remainder == value)
            #expect((0..<7).contains(remainder))
        }
    }

    @Test("goes through Codable as text")
    func codable() throws {
        let time = Timestamp(milliseconds: 1_613_815_872_345)
        let data = try JSONEncoder().encode([time])
        #expect(String(decoding: data, as: UTF8.self) == #"["2021-02-20T10:11:12.345Z"]"#)
        #expect(try JSONDecoder().decode([Timestamp].self, from: data) == [time])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Timestamp].self, from: Data(#"["soon"]"#.utf8))
        }
    }
}
