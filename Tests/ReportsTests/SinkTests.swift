import Common
import Testing

@testable import Reports

@Suite struct SinkTests {
    @Test func pushPolledEditedAndDeletedIsOneThenNone() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let pushed = Item(revision: 10, hash: "a", sentiment: .negative, score: -4, topics: ["export"])
        var edited = pushed
        edited.revision = 20
        edited.hash = "b"
        edited.sentiment = .positive
        edited.score = 3
        var deleted = edited
        deleted.isDeleted = true

        func check(_ step: Item, feedback: Int, positive: Int, _ comment: Comment) async throws {
            try await tables.take([topic.batch([step])])
            #expect(try await tables.store.verify() == [], comment)
            let totals = try await tables.report().totals
            #expect(totals.feedback == feedback, comment)
            #expect(totals.sentiment.positive == positive, comment)
        }
        try await check(pushed, feedback: 1, positive: 0, "by webhook")
        try await check(pushed, feedback: 1, positive: 0, "by poll")
        try await check(edited, feedback: 1, positive: 1, "edited")
        try await check(pushed, feedback: 1, positive: 1, "an old revision")
        try await check(deleted, feedback: 0, positive: 0, "deleted at the time of the edit")
        try await check(edited, feedback: 0, positive: 0, "read again from an old page")

        let ledger = try await tables.store.ledger().total
        #expect(ledger.stored == 3)
        #expect(ledger.duplicate == 3)
        let contents = try await tables.contents()
        #expect(contents.rollups.isEmpty)
        #expect(contents.facts.isEmpty)
        #expect(contents.items == ["\(pushed.feedbackID) 0 20 1 \(Digest128.named("b").hexadecimal) - - "])
    }

    @Test func whatBecameOfItemsAndUpToWhereAreOfOneMoment() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let batches = (0..<300).map { topic.batch([Item(id: "\($0)", text: "Text \($0)", hash: "\($0)")]) }
        async let writing: Void = {
            for batch in batches { try await tables.take([batch]) }
        }()
        var settled = 0
        while settled < batches.count {
            let (ledgers, positions) = try await tables.store.settled()
            settled = ledgers.total.total
            try #require(positions.values.reduce(0, +) == Int64(settled))
        }
        try await writing
    }

    @Test func anEditThatLeavesNoWordsTakesTheItemWithIt() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let said = Item(revision: 10, sentiment: .negative, score: -4, topics: ["export"])
        var emptied = said
        emptied.text = ""
        emptied.revision = 20
        emptied.topics = []
        try await tables.take([topic.batch([said])])
        try await tables.take([topic.batch([emptied])])
        #expect(try await tables.contents().facts.isEmpty)
        #expect(try await tables.contents().rollups.isEmpty)
        try await tables.take([topic.batch([said])])
        #expect(try await tables.contents().facts.isEmpty, "an old copy brings nothing back")
        #expect(try await tables.store.ledger().total == ledger(stored: 1, duplicate: 1, filtered: 1))

        var again = said
        again.revision = 30
        try await tables.take([topic.batch([again])])
        #expect(try await tables.contents().facts.count == 1)
        var rated = emptied
        rated.revision = 40
        rated.rating = 2
        try await tables.take([topic.batch([rated])])
        #expect(try await tables.contents().facts.count == 1, "a rating says something")
        #expect(try await tables.store.verify() == [])
    }

    @Test func whatARestartedParserSendsAgainIsNotCounted() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let items = (0..<3).map { number in
            Item(id: "\(number)").feedback(raw: .init(partition: 2, offset: Int64(number / 2), item: number % 2))
        }
        try await tables.take([topic.batch(items)])
        let outcome = try await tables.take([topic.batch(items)])
        #expect(outcome.redelivered == 3)
        #expect(try await tables.store.ledger().total == ledger(stored: 3))
        // Another partition, or another raw partition, has marks of its own.
        try await tables.take([topic.batch(items, partition: 1)])
        #expect(try await tables.store.ledger().total.duplicate == 3)
    }

    @Test func whoLostThePartitionWritesNothing() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let first = topic.batch([Item(id: "1")])
        let second = topic.batch([Item(id: "2")], partition: 1)
        try await tables.take([first])
        await #expect(throws: EventLogError.self) { try await tables.take([second, first]) }
        #expect(try await tables.store.ledger().total == ledger(stored: 1))
        #expect(try await tables.store.positions() == [0: 1])
    }

    @Test func rulesKeepFeedbackOut() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        var workspace = WorkspaceRecord(
            id: WorkspaceID("ws_a")!, account: AccountID("ac_a")!, name: "A", createdAt: Timestamp(milliseconds: 0),
            filters: [FilterRule(field: .text, match: .contains, value: "CASINO")], sealedKey: "")
        let spam = Item(id: "1", text: "Best casino in town")
        var harmless = spam
        harmless.text = "Best export in town"
        harmless.revision = 0
        let fine = Item(id: "2", text: "The export is slow")

        try await tables.take([topic.batch([harmless, spam, fine])], workspaces: [workspace])
        #expect(try await tables.store.ledger().total == ledger(stored: 2, filtered: 1))
        #expect(try await tables.contents().facts.count == 1, "the edit that a rule keeps out takes the item with it")

        workspace.filters = []
        try await tables.take([topic.batch([spam])], workspaces: [workspace])
        #expect(try await tables.contents().facts.count == 2, "the rule is gone and the item was read again")

        workspace.personalData = .drop
        let personal = Item(id: "3", personalData: ["email"])
        try await tables.take([topic.batch([personal])], workspaces: [workspace])
        #expect(try await tables.store.ledger().total == ledger(stored: 3, filtered: 2))
        #expect(try await tables.store.verify() == [])
    }

    @Test func whatIsNoFeedbackStopsNothing() async throws {
        let tables = try await Tables()
        var topic = FeedbackTopic()
        let batch = topic.batch(values: [Array("{".utf8), Array("{\"unique_identifier\":\"fb_1\"}".utf8)])
        let letters = Incoming.read(batch, at: Timestamp(seconds: 1)).compactMap { one -> DeadLetter? in
            if case .dead(let letter) = one.content { letter } else { nil }
        }
        #expect(letters.count == 2)
        #expect(letters[0].stage == .store)
        #expect(letters[1].reason.contains("context_info.raw"))
        #expect(letters[0].id != letters[1].id)
        try await tables.take([batch])
        try await tables.take([topic.batch([Item()])])
        #expect(try await tables.store.ledger().total == ledger(stored: 1, dead: 2))
    }

    private func ledger(stored: Int = 0, duplicate: Int = 0, merged: Int = 0, filtered: Int = 0, dead: Int = 0)
        -> ReportsLedger
    {
        var ledger = ReportsLedger()
        ledger.stored = stored
        ledger.duplicate = duplicate
        ledger.merged = merged
        ledger.filtered = filtered
        ledger.dead = dead
        return ledger
    }
}
