import Common
import TestKit
import Testing

@testable import Reports

@Suite struct SummaryTests {
    private static let day: Int64 = 86_400_000
    private static let range = [("from", "2021-01-01"), ("to", "2021-03-01"), ("interval", "day")]

    /// Two items a person, on different days; every third item is about something.
    private static func items(_ count: Int) -> [Item] {
        (0..<count).map { number in
            var item = Item(id: "\(number)", text: "Number \(number) says something.", author: "\(number / 2)")
            item.at = 1_609_459_200_000 + Int64(number * 7 % 40) * day + Int64(number)
            item.score = Double(number % 19) - 9
            item.sentiment = Sentiment.allCases[number % 3]
            item.topics = number % 3 == 0 ? ["export", "topic \(number % 5)"] : []
            return item
        }
    }

    @Test func thousandsOfPeopleAreToldApartOverDays() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let items = Self.items(5000)
        try await tables.take([topic.batch(items)])
        try await tables.summarise()
        let report = try await tables.report(Self.range, path: .summaries)
        #expect(report.totals.authors == 2500)
        let onExport = Set(items.filter { $0.topics.contains("export") }.map(\.author))
        #expect(report.topics.first?.authors == onExport.count)
        #expect(try await tables.report(Self.range, path: .facts) == report)
    }

    @Test func aChangeInADayIsInTheAnswerBeforeTheDayIsSummarisedAgain() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        var items = Self.items(50)
        try await tables.take([topic.batch(items)])
        try await tables.summarise()
        items[7].revision = 2
        items[7].author = "somebody new"
        items[9].revision = 2
        items[9].isDeleted = true
        items[11].revision = 2
        items[11].at += 20 * Self.day
        for step in [7, 9, 11] {
            try await tables.take([topic.batch([items[step]])])
            let report = try await tables.report(Self.range, path: .summaries)
            #expect(try await tables.report(Self.range, path: .facts) == report)
            #expect(try await tables.store.verify() == [])
        }
        #expect(try await tables.report(Self.range, path: .summaries).totals.feedback == 49)
        let changed = try await tables.database.read { connection in
            try connection.changedDays(until: Timestamp(seconds: 1 << 40), limit: 99)
        }
        #expect((3...4).contains(changed.count), "the days where the three were and are, and no other")
    }

    @Test func aSummaryOfWhatWasIsNotKept() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        var item = Self.items(1)[0]
        try await tables.take([topic.batch([item])])
        let changed = try await tables.database.read {
            try $0.changedDays(until: Timestamp(seconds: 1 << 40), limit: 9)
        }
        let before = try #require(changed.first)
        let summary = try await tables.database.read { SummaryBytes(try $0.summarise(before.key)) }
        item.revision = 2
        item.sentiment = .positive
        try await tables.take([topic.batch([item])])
        try await tables.database.write { try $0.write(summary, of: before) }
        #expect(try await tables.database.read { try $0.hasChangedDays() })
        #expect(try await tables.report(Self.range, path: .summaries).totals.sentiment.positive == 1)
    }

    @Test func aDamagedSummaryIsFoundAndNoCrash() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        try await tables.take([topic.batch(Self.items(30))])
        try await tables.summarise()
        for column in ["numbers", "people", "quotes"] {
            try await tables.database.write { connection in
                try connection.execute("UPDATE day_summary SET \(raw: column) = \([UInt8](repeating: 0x81, count: 9))")
            }
            #expect(try await tables.store.verify().count > 0)
            await #expect { try await tables.report(Self.range, path: .summaries) } throws: {
                if case DatabaseError.corrupt = $0 { true } else { false }
            }
            try await tables.database.write { try $0.execute("UPDATE day SET version = version + 1") }
            try await tables.summarise()
            #expect(try await tables.store.verify() == [])
        }
    }

    @Test func aDayThatIsGoneAndComesAgainIsNotTakenForTheOneBefore() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        var items = Self.items(50)
        try await tables.take([topic.batch(items)])
        try await tables.summarise()
        #expect(try await tables.report(Self.range, path: .summaries).totals.feedback == 50)
        try await tables.database.write { connection in
            for table in ["day", "day_summary", "fact", "feedback"] {
                try connection.execute("DELETE FROM \(raw: table)")
            }
        }
        #expect(try await tables.report(Self.range, path: .summaries).totals.feedback == 0)
        items.removeLast(20)
        for index in items.indices { items[index].id += " again" }
        try await tables.take([topic.batch(items)])
        // The tables' clock stands still.
        try await tables.database.write { try $0.execute("UPDATE day SET changed_at = changed_at + 1") }
        try await tables.summarise()
        let report = try await tables.report(Self.range, path: .summaries)
        #expect(report.totals.feedback == 30)
        #expect(try await tables.report(Self.range, path: .facts) == report)
    }

    @Test func whatWasReadIsKeptForTheWorkspacesAskedForLast() async throws {
        let bytes = SummaryBytes(DaySummary(day: 0))
        func summary(in summaries: WorkspaceSummaries) throws -> ReadSummary {
            ReadSummary(
                numbers: bytes.numbers,
                people: try bytes.people.withUnsafeBytes { try NumberedPeople($0, authors: summaries.authors) },
                quotes: bytes.quotes)
        }
        func piece(_ number: Int64, version: Int64 = 1) -> DayPiece {
            DayPiece(range: number * Self.day..<(number + 1) * Self.day, version: version, changedAt: 7)
        }
        func hold(_ numbers: Range<Int64>, version: Int64 = 1, in kept: WorkspaceSummaries) throws {
            for number in numbers {
                kept.summaries.hold(try summary(in: kept), of: piece(number, version: version))
            }
        }
        let one = try summary(in: WorkspaceSummaries()).size
        let bare = WorkspaceSummaries().size
        let cache = SummaryCache(limit: 2 * bare + 10 * one)
        let first = cache.summaries(of: 1)
        try hold(0..<9, in: first)
        try hold(0..<1, version: 2, in: first)
        #expect(first.size == bare + 9 * one, "a day takes the place of what it was")
        #expect(
            first.summaries.held([piece(0), piece(1)]).count == 1)
        let second = cache.summaries(of: 2)
        #expect(cache.summaries(of: 1) === first, "there is room for both")
        try hold(100..<102, in: first)
        #expect(cache.summaries(of: 1) === first, "the other one went")
        #expect(cache.summaries(of: 2) !== second)
        try hold(200..<300, in: first)
        #expect(cache.summaries(of: 1) !== first, "one that is too large for all is let go as well")
    }

    /// A fact before 1970 or after it.
    private static func fact(_ number: Int) -> Fact {
        let workspace: Int64 = number % 2 == 0 ? 1 : 2
        let timestamp: Int64 = Int64(number - 100) * 7_777_777
        return Fact(
            workspace: workspace, timestamp: timestamp, feedback: Digest128(high: 0, low: UInt64(number)), origin: 5,
            language: 6, sentiment: Sentiment.allCases[number % 3], intent: 7, topics: [8], score: 1000, rating: 3000,
            version: 0, platform: 0, country: 0, author: Int64(number), isMerged: number % 7 == 0)
    }

    @Test func tablesFromBeforeSummariesAreBroughtUpToDate() async throws {
        let tables = try await Tables(schema: 2)
        let facts = (0..<200).map(Self.fact)
        try await tables.database.write { try $0.write(facts, areNew: true) }
        try await tables.store.migrate()
        let mismatches = try await tables.store.verify()
        #expect(mismatches.allSatisfy { $0.place.hasPrefix("fact") })  // which have no items here
        try await tables.summarise()
        #expect(Set(try await tables.store.verify()) == Set(mismatches))
    }

    @Test func aServerSummarisesByItself() async throws {
        try await ReportsServer.run { server in
            try await server.send([
                Item(id: "1", sentiment: .negative, score: -5, topics: ["export"], author: "ann"),
                Item(id: "2", text: "Love the new search", sentiment: .positive, score: 6, author: "ben"),
            ])
            try await waitUntil("the day is summarised") {
                try await server.database.read { try !$0.hasChangedDays() }
            }
            let report = try await server.report("workspace_id=ws_a&from=2020-01-01&to=2022-01-01&interval=year")
            #expect(report.totals.authors == 2)
            #expect(report.quotes.count == 2)
            #expect(try await server.store.verify() == [])
        }
    }
}
