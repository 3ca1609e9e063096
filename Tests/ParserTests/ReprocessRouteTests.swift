import ByteJSON
import Common
import ServiceKit
import TestKit
import Testing

@testable import Parser

/// Having events read again over HTTP.
@Suite struct ReprocessRouteTests {
    @Test func aStreamIsReadAgain() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            try await bench.push([#"{"id":"1","text":"Old","words":"New"}"#, #"{"id":"2","text":"Old"}"#])
            try await waitUntil("both are parsed") { try await bench.ledger().total.items == 2 }
            let before = try await bench.ledger()
            try await bench.directory.publish([.stream(bench.record(mapping: ["text": "words"]))])

            let begun = try await served.send(
                "POST", "/v1/reprocess", as: served.manager, body: #"{"stream_id":"\#(bench.stream)"}"#)
            #expect(begun.status == 202)
            #expect(begun.json["events"]?.int64 == 2)
            let job = try #require(begun.json["job_id"]?.string)
            try await waitUntil("it is done") {
                try await served.send("/v1/reprocess/\(job)", as: served.ours).json["status"]?.string == "completed"
            }
            let done = try await served.send("/v1/reprocess/\(job)", as: served.manager).json
            #expect(done["events_done"]?.int64 == 2)
            #expect(done["emitted"]?.int64 == 1)
            #expect(done["failed"]?.int64 == 1)
            #expect(done["example_of_failure"]?.string?.contains("text is missing") == true)
            #expect(done["finished_at"]?.string != nil)
            #expect(try await bench.ledger() == before, "nothing is counted again")
            let again = try await bench.all(of: .feedback).filter { $0.headers[FeedbackHeader.reprocess] == job }
            #expect(try again.map { try Feedback(JSONDocument(parsing: $0.value ?? []).root).text } == ["New"])
            #expect(again.first?.headers[FeedbackHeader.workspace] == bench.workspace.rawValue)

            for path in ["/v1/reprocess/\(job)", "/v1/reprocess/\(JobID.make())"] {
                #expect(try await served.send(path, as: served.theirs).status == 404)
            }
        }
    }

    @Test func whoMayAskForWhat() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            let path = "/v1/reprocess"
            let ours = #"{"workspace_id":"\#(bench.workspace)"}"#
            let theirs = #"{"workspace_id":"\#(bench.otherWorkspace)"}"#
            let theirStream = #"{"stream_id":"\#(bench.otherStream)"}"#
            let both = #"{"stream_id":"\#(bench.stream)","workspace_id":"\#(bench.otherWorkspace)"}"#
            try await served.expect(401, "POST", path, as: nil, body: "{}")
            try await served.expect(403, "POST", path, as: served.ours, body: ours)  // lacks the scope
            try await served.expect(403, "POST", path, as: served.manager, body: "{}")  // everything: the operator
            try await served.expect(202, "POST", path, as: served.admin, body: "{}")
            try await served.expect(202, "POST", path, as: served.manager, body: ours)
            try await served.expect(404, "POST", path, as: served.manager, body: theirs)
            try await served.expect(404, "POST", path, as: served.manager, body: theirStream)
            try await served.expect(400, "POST", path, as: served.admin, body: both)
            try await served.expect(422, "POST", path, as: served.admin, body: #"{"streams":1}"#)
        }
    }
}

extension Bench {
    fileprivate func all(of topic: Topic) async throws -> [Record] {
        var records: [Record] = []
        for partition in 0..<topic.partitions { records += try await all(of: topic, partition: partition) }
        return records
    }
}
