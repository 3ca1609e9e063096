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

/// What failed can be looked at, mended and sent through again, by those whose it is.
@Suite struct DeadLetterTests {
    private func kept(_ served: ServedBench, _ count: Int) async throws {
        let store = DeadLetterStore(database: served.bench.database)
        try await waitUntil("\(count) dead letters are kept") {
            try await store.count(DeadLetterStore.Filter()) == count
        }
    }

    @Test func listShowAndReplay() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            try await bench.push([#"{"id":"1"}"#, "no JSON", #"{"id":"2","text":"Good"}"#])
            try await kept(served, 2)
            let list = try await served.send("/v1/dead-letters?workspace_id=\(bench.workspace)", as: served.ours)
            #expect(list.status == 200)
            #expect(list.json["total"]?.int64 == 2)
            let letters = Array(try #require(list.json["dead_letters"]).elements)
            #expect(letters.count == 2)
            #expect(letters.allSatisfy { $0["stage"]?.string == "normalise" && $0["payload"] == nil })
            let broken = try #require(letters.first { $0["reason"]?.string?.contains("text is missing") == true })
            let id = try #require(broken["id"]?.string)

            let shown = try await served.send("/v1/dead-letters/\(id)", as: served.ours)
            #expect(shown.status == 200)
            #expect(shown.json["payload"]?.string == #"{"id":"1"}"#)
            #expect(shown.json["headers"]?["stream"]?.string == bench.stream.rawValue)

            let mended = #"{"payload":{"id":"1","text":"Mended"}}"#
            let replayed = try await served.send("POST", "/v1/dead-letters/\(id)/replay", as: served.ours, body: mended)
            #expect(replayed.status == 202)
            try await waitUntil("the mended one is through") { try await bench.feedback().count == 2 }
            #expect(try await bench.feedback().map(\.text).sorted() == ["Good", "Mended"])
            let again = try await served.send("POST", "/v1/dead-letters/\(id)/replay", as: served.ours)
            #expect(again.status == 409)
            let left = try await served.send("/v1/dead-letters?replayed=false", as: served.ours)
            #expect(left.json["total"]?.int64 == 1)
        }
    }

    @Test func aReplayThatFailsAgainIsANewDeadLetterWithOneMoreAttempt() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            try await bench.push(["no JSON"])
            try await kept(served, 1)
            let answer = try await served.send(
                "POST", "/v1/dead-letters/replay", as: served.ours, body: #"{"workspace_id":"\#(bench.workspace)"}"#)
            #expect(answer.status == 202)
            #expect(answer.json["replayed"]?.int64 == 1)
            // the clock stands still here, so the new one may be counted already
            #expect(try #require(answer.json["remaining"]?.int64) <= 1)
            try await kept(served, 2)
            let list = try await served.send("/v1/dead-letters", as: served.ours)
            let attempts = try #require(list.json["dead_letters"]).elements.compactMap { $0["attempts"]?.int64 }
            #expect(attempts.sorted() == [1, 2])
        }
    }

    @Test func whatIsDroppedIsForgottenWithItsOriginal() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            let notes = (0..<3).map { #"{"id":"\#($0)"}"# }
            try await bench.push([#"{"notes":[\#(notes.joined(separator: ","))]}"#, "no JSON", "nor this"])
            try await kept(served, 5)
            let list = try await served.send("/v1/dead-letters", as: served.ours)
            let letters = try #require(list.json["dead_letters"]).elements.map { $0 }
            let one = try #require(letters.first { $0["item"]?.int64 == 1 }?["id"]?.string)
            #expect(try await served.send("DELETE", "/v1/dead-letters/\(one)", as: served.theirs).status == 404)
            #expect(try await served.send("DELETE", "/v1/dead-letters/\(one)", as: served.ours).status == 204)
            #expect(try await served.send("DELETE", "/v1/dead-letters/\(one)", as: served.ours).status == 404)
            // The others of the delivery have their original still.
            let other = try #require(letters.first { $0["item"]?.int64 == 2 }?["id"]?.string)
            let shown = try await served.send("/v1/dead-letters/\(other)", as: served.ours)
            #expect(shown.json["payload"]?.string?.contains(notes[1]) == true)
            let answer = try await served.send(
                "POST", "/v1/dead-letters/drop", as: served.ours, body: #"{"workspace_id":"\#(bench.workspace)"}"#)
            #expect(answer.json["dropped"]?.int64 == 4 && answer.json["remaining"]?.int64 == 0)
            try await kept(served, 0)
            let originals = try await bench.database.read { db in
                try db.first("SELECT count(*) FROM dead_letter_original") { $0.integer(0) }
            }
            #expect(originals == 0)
            // Each is closed for whoever reads the topic.
            let records = try await bench.log.read(.deadLetters, partition: 0, from: 0, limit: 100)
            var closed = 0
            for i in 0..<records.count where records.value(at: i) == nil { closed += 1 }
            #expect(closed == 5)
        }
    }

    @Test func manyItemsOfOneDeliveryGoBackOnce() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            let notes = (0..<30).map { $0 % 3 == 0 ? #"{"id":"\#($0)","text":"ok"}"# : #"{"id":"\#($0)"}"# }
            try await bench.push([#"{"notes":[\#(notes.joined(separator: ","))]}"#])
            try await kept(served, 20)
            try await bench.directory.publish([
                .stream(bench.record(mapping: ["text": .array(["text", "id"])]))
            ])
            let answer = try await served.send("POST", "/v1/dead-letters/replay", as: served.ours, body: "{}")
            #expect(answer.json["replayed"]?.int64 == 1)
            #expect(answer.json["remaining"]?.int64 == 0)
            try await waitUntil("all are through") { try await bench.ledger().total.items == 60 }
            let counts = try await bench.ledger().total
            #expect(counts.emitted == 40)
            #expect(counts.dead == 20)
            #expect(counts.events == 2)
            #expect(Set(try await bench.feedback().map(\.source.externalID)).count == 30)
        }
    }

    @Test func anOriginalTooLargeToBeKeptIsReadFromTheLog() async throws {
        let bench = try await Bench()
        var settings = ParserSettings.unlimited
        settings.maximumOriginalBytes = 10
        try await ServedBench.run(bench, settings: settings) { served in
            try await bench.push([#"{"id":"1","note":"no text here"}"#])
            try await kept(served, 1)
            let list = try await served.send("/v1/dead-letters", as: served.ours)
            let id = try #require(list.json["dead_letters"]?[0]?["id"]?.string)
            let shown = try await served.send("/v1/dead-letters/\(id)", as: served.ours)
            #expect(shown.json["payload"]?.string?.contains("no text here") == true)
            let replayed = try await served.send("POST", "/v1/dead-letters/\(id)/replay", as: served.ours)
            #expect(replayed.status == 202)
        }
    }

    @Test func pagesHoldEachLetterOnce() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            try await bench.push((0..<25).map { #"{"id":"\#($0)"}"# })
            try await kept(served, 25)
            var seen: [String] = []
            var cursor = ""
            for _ in 0..<10 {
                let page = try await served.send("/v1/dead-letters?limit=10\(cursor)", as: served.ours)
                seen += try #require(page.json["dead_letters"]).elements.compactMap { $0["id"]?.string }
                guard let next = page.json["next_cursor"]?.string else { break }
                cursor = "&cursor=\(next)"
            }
            #expect(seen.count == 25)
            #expect(Set(seen).count == 25)
        }
    }

    @Test func walls() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            let positions = try await bench.push([#"{"id":"1"}"#])
            try await kept(served, 1)
            let list = try await served.send("/v1/dead-letters", as: served.ours)
            let id = try #require(list.json["dead_letters"]?[0]?["id"]?.string)
            let theirLetters = try await served.send("/v1/dead-letters", as: served.theirs)
            #expect(theirLetters.json["total"]?.int64 == 0)
            let raw = "/v1/raw/\(positions[0].partition)/\(positions[0].offset)"
            for (method, path) in [
                ("GET", "/v1/dead-letters?workspace_id=\(bench.workspace)"), ("GET", "/v1/dead-letters/\(id)"),
                ("POST", "/v1/dead-letters/\(id)/replay"), ("GET", "\(raw)?workspace_id=\(bench.workspace)"),
                ("GET", "\(raw)?workspace_id=\(bench.otherWorkspace)"),
            ] {
                try await served.expect(404, method, path, as: served.theirs)
                try await served.expect(401, method, path, as: nil)
            }
            let many = try await served.send(
                "POST", "/v1/dead-letters/replay", as: served.theirs, body: #"{"workspace_id":"\#(bench.workspace)"}"#)
            #expect(many.status == 404)
            let all = try await served.send("POST", "/v1/dead-letters/replay", as: served.theirs, body: "{}")
            #expect(all.json["replayed"]?.int64 == 0)
            try await served.expect(403, "POST", "/v1/parser/resume", as: served.ours, body: #"{"failures":1}"#)
            try await served.expect(403, "GET", "/v1/parser/ledger", as: served.ours)
            try await served.expect(200, "GET", "/v1/dead-letters/\(id)", as: served.admin)
        }
    }

    @Test func whatBelongsToNobodyIsTheOperators() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            var batch = RecordBatch()
            batch.append(key: "k", value: Array("{}".utf8))
            try await bench.log.append(batch, to: .raw)
            try await kept(served, 1)
            let ourLetters = try await served.send("/v1/dead-letters", as: served.ours)
            #expect(ourLetters.json["total"]?.int64 == 0)
            let allLetters = try await served.send("/v1/dead-letters", as: served.admin)
            #expect(allLetters.json["total"]?.int64 == 1)
            let ledger = try await served.send("/v1/parser/ledger", as: served.admin)
            #expect(ledger.json["unattributed"]?["dead"]?.int64 == 1)
        }
    }

    @Test func rawEventsAreServedVerbatim() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            let payload = #"{ "id":"1",  "text":"As it came" }"#
            let position = try await bench.push([payload])[0]
            let path = "/v1/raw/\(position.partition)/\(position.offset)?workspace_id=\(bench.workspace)"
            let raw = try await served.send(path, as: served.ours)
            #expect(raw.status == 200)
            #expect(raw.json["payload"]?.string == payload)
            #expect(raw.json["headers"]?["how"]?.string == "push")
            for wrong in ["/v1/raw/99/0", "/v1/raw/0/999", "/v1/raw/-1/0", "/v1/raw/0/-1", "/v1/raw/a/b"] {
                try await served.expect(404, "GET", "\(wrong)?workspace_id=\(bench.workspace)", as: served.ours)
            }
        }
    }

    @Test func badRequestsAreRefused() async throws {
        let bench = try await Bench()
        try await ServedBench.run(bench) { served in
            try await served.expect(400, "GET", "/v1/dead-letters?stage=nowhere", as: served.ours)
            try await served.expect(400, "GET", "/v1/dead-letters?color=red", as: served.ours)
            try await served.expect(400, "GET", "/v1/dead-letters?cursor=xx", as: served.ours)
            try await served.expect(404, "GET", "/v1/dead-letters/dl_nothing", as: served.ours)
            let body = #"{"worksapce_id":"x"}"#
            try await served.expect(422, "POST", "/v1/dead-letters/replay", as: served.ours, body: body)
        }
    }

    @Test func theStoreKeepsEachOnceAndForgetsInTime() async throws {
        let bench = try await Bench()
        try await bench.push(["no JSON", "nor this"])
        try await bench.drain(try bench.handler())
        let store = DeadLetterStore(database: bench.database)
        let letters = try await bench.deadLetters()
        try await store.add(letters)
        try await store.add(letters + letters)
        #expect(try await store.count(.init()) == 2)
        try await store.forget(olderThan: .then, workspaces: [])
        #expect(try await store.count(.init()) == 2)
        try await store.forget(olderThan: Timestamp.then.advanced(bySeconds: 1), workspaces: [])
        #expect(try await store.count(.init()) == 0)
        let event = DeadLetterStore.Event(
            topic: Topic.raw.name, partition: letters[0].partition, offset: letters[0].offset)
        #expect(try await store.original(of: event) == nil)
    }

    @Test func whatADeletedWorkspaceLeftIsForgotten() async throws {
        let bench = try await Bench()
        try await bench.push(["no JSON"])
        try await bench.drain(try bench.handler())
        let store = DeadLetterStore(database: bench.database)
        try await store.add(try await bench.deadLetters())
        try await store.forget(olderThan: Timestamp(milliseconds: 0), workspaces: [bench.workspace])
        #expect(try await store.count(.init()) == 0)
    }
}
