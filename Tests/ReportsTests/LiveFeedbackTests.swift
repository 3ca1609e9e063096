import Common
import Testing

@testable import Reports

@Suite struct LiveFeedbackTests {
    private func news(_ id: Int) -> [FeedbackNews] {
        [FeedbackNews(workspace: WorkspaceID("ws_a")!, id: .numbered(id))]
    }

    @Test func whoIsTooSlowIsLetGoAndCanComeBack() async throws {
        let live = LiveFeedback(epoch: 1)
        let slow = try #require(live.subscribe(after: nil))
        for number in 1...100 { live.publish(news(number)) }
        var last: Int64 = 0
        for await signal in slow.signals {
            if case .events(let events) = signal { last = events.last?.number ?? last }
        }
        #expect(last > 0 && last < 100, "what was queued is still told")
        #expect(live.unsubscribe(slow))

        let again = try #require(live.subscribe(after: last))
        #expect(!again.hasGap)
        #expect(!live.unsubscribe(again))
        var missed: [Digest128] = []
        for await case .events(let events) in again.signals { missed += events.map(\.news.id) }
        #expect(missed == (last + 1...100).map { .numbered($0) })
    }

    @Test func whatIsNotKeptIsAGap() throws {
        let live = LiveFeedback(epoch: 1)
        #expect(try !#require(live.subscribe(after: 0)).hasGap)
        for number in 1...3000 { live.publish(news(number)) }
        #expect(try #require(live.subscribe(after: 10)).hasGap)
        #expect(try !#require(live.subscribe(after: 2999)).hasGap)
        #expect(try #require(live.subscribe(after: .max)).hasGap)
    }
}
