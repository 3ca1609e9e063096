import ByteJSON
import Common
import Connectors
import Engines
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@testable import Parser

/// The built-in connectors, from the raw topic to feedback.
@Suite struct ConnectorFlowTests {
    private static let library = ConnectorLibrary().registry

    /// Parses what arrived by a connector; each payload with how it came.
    private func parse(
        _ connector: String, entity: [String: JSON] = [:], config: [String: JSON] = [:],
        _ arrivals: [(payload: String, how: String, headers: [(String, String)])]
    ) async throws -> (feedback: [Feedback], dead: [DeadLetter], counts: ParserLedger.Counts) {
        let bench = try await Bench(connectors: Self.library, connector: connector, entity: entity)
        try await bench.directory.publish([
            .connection(
                ConnectionRecord(
                    id: bench.connection, workspace: bench.workspace, connector: connector, config: config,
                    sealedSecrets: nil))
        ])
        var batch = RecordBatch()
        for (i, arrival) in arrivals.enumerated() {
            var headers = bench.headers(how: arrival.how, delivery: "d\(i)")
            for (name, value) in arrival.headers { headers.append(name, value) }
            batch.append(key: "one", headers: headers, value: Array(arrival.payload.utf8))
        }
        try await bench.log.append(batch, to: .raw)
        try await bench.drain(try bench.handler())
        let counts = try await bench.ledger().total
        #expect(counts.isBalanced)
        return (try await bench.feedback(), try await bench.deadLetters(), counts)
    }

    @Test func anIssuePulledAndPushedAndDeletedIsOneFeedback() async throws {
        let issue = #"""
            {"id":77,"number":5,"title":"Crash on save","body":"It **crashes** when I save.\n\n> quoted\n",
             "state":"open","created_at":"2021-01-01T00:00:00Z","updated_at":"2021-01-02T00:00:00Z",
             "html_url":"https://github.com/Acme/App/issues/5","url":"https://api.github.com/repos/Acme/App/issues/5",
             "repository_url":"https://api.github.com/repos/Acme/App","labels":[{"name":"bug"}],
             "user":{"login":"ada","id":1,"type":"User"}}
            """#
        func hook(_ action: String) -> String {
            #"{"action":"\#(action)","issue":\#(issue),"repository":{"full_name":"Acme/App"}}"#
        }
        let kept = [(RawHeader.kept + "x-github-event", "issues")]
        let (feedback, dead, _) = try await parse(
            "github", entity: ["repository": "Acme/App"], config: ["api_url": "https://api.github.com"],
            [
                (hook("opened"), "push", kept), (issue, "pull", [(RawHeader.source, "issues")]),
                (hook("deleted"), "push", kept),
            ])
        #expect(dead.map(\.reason) == [])
        #expect(feedback.count == 3)
        #expect(Set(feedback.map(\.id)).count == 1)
        #expect(Set(feedback.map(\.revision)).count == 1)
        #expect(feedback.map { $0.deletedAt != nil } == [false, false, true])
        #expect(feedback[0].contentHash == feedback[1].contentHash)
        #expect(feedback[0].text == "It crashes when I save.")
        #expect(feedback[0].source.instance == "acme/app")
        #expect(feedback[0].labels == ["bug"])
    }

    @Test func aForumPostPulledAndPushedIsOneFeedback() async throws {
        let post = #"""
            {"id":9,"username":"ada","name":"Ada","created_at":"2021-01-01T00:00:00.000Z","post_number":1,"post_type":1,
             "updated_at":"2021-01-01T00:00:00.000Z","topic_id":3,"topic_slug":"maps","topic_title":"Maps &amp; more",
             "cooked":"<p>I love the <b>new</b> map</p><aside class=\"quote\"><blockquote>no</blockquote></aside>"}
            """#
        let (feedback, dead, _) = try await parse(
            "discourse", config: ["base_url": "https://forum.example.org/"],
            [
                (#"{"post":\#(post)}"#, "push", [(RawHeader.kept + "x-discourse-event", "post_created")]),
                (post, "pull", [(RawHeader.source, "posts")]),
            ])
        #expect(dead.map(\.reason) == [])
        #expect(feedback.count == 2)
        #expect(Set(feedback.map(\.id)).count == 1)
        #expect(Set(feedback.map(\.contentHash)).count == 1)
        #expect(feedback.first?.text == "I love the new map")
        #expect(feedback.first?.url == "https://forum.example.org/t/maps/3/1")
    }

    @Test func aStoreReviewKeepsItsScale() async throws {
        let review = #"""
            {"id":{"label":"123"},"title":{"label":"Nice"},"content":{"label":"Works well"},"im:rating":{"label":"5"},
             "im:version":{"label":"2.1"},"author":{"name":{"label":"Ada"},"uri":{"label":"https://itunes.apple.com/us/reviews/id7"}},
             "updated":{"label":"2021-01-01T00:00:00-07:00"}}
            """#
        let (feedback, dead, _) = try await parse(
            "app_store", entity: ["app_id": "99", "country": "us"], [(review, "pull", [(RawHeader.source, "reviews")])])
        #expect(dead.map(\.reason) == [])
        #expect(feedback.first?.rating == 5)
        #expect(feedback.first?.ratingScale == Feedback.RatingScale(1, 5))
        #expect(feedback.first?.productVersion == "2.1")
        #expect(feedback.first?.timestamp == Timestamp("2021-01-01T07:00:00Z"))
    }

    @Test(arguments: ["standard_webhook", "signed_webhook", "jsonl", "csv"])
    func genericPayloadsNeedOnlyAText(connector: String) async throws {
        let how = connector.hasSuffix("webhook") ? "push" : "import"
        let (feedback, dead, counts) = try await parse(
            connector,
            [
                (#"{"text":"Just a text"}"#, how, []),
                (#"{"id":"7","text":"With an id","rating":4,"rating_scale":[1,5]}"#, how, []),
                (#"{"id":"7"}"#, how, []),
            ])
        #expect(feedback.count == 2)
        #expect(dead.count == 1)
        #expect(counts.emitted == 2)
        #expect(feedback.map(\.text) == ["Just a text", "With an id"])
        #expect(feedback[1].source.externalID == "7")
    }
}
