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

/// Whatever arrives is data: one bad item is one dead letter, and the good ones around it go on.
@Suite struct PoisonTests {
    /// Puts one record between two good ones and gives back what the parser said of it.
    private func reason(_ append: (inout RecordBatch, Bench) -> Void) async throws -> String {
        let bench = try await Bench()
        try await bench.push([#"{"id":"before","text":"Good"}"#], key: { _ in "one" })
        var batch = RecordBatch()
        append(&batch, bench)
        try await bench.log.append(batch, to: .raw)
        try await bench.push([#"{"id":"after","text":"Good"}"#], key: { _ in "one" })
        try await bench.drain(try bench.handler())
        #expect(try await bench.feedback().map(\.source.externalID) == ["before", "after"])
        let counts = try await bench.ledger().total
        #expect(counts.dead == 1)
        #expect(counts.isBalanced)
        let letters = try await bench.deadLetters()
        #expect(letters.count == 1)
        let letter = try #require(letters.first)
        #expect(letter.payload.flatMap { Data(base64Encoded: $0) } == batch.value(at: 0).map { Data($0) })
        #expect(letter.key.flatMap { Data(base64Encoded: $0) } == batch.key(at: 0).map { Data($0) })
        #expect(letter.headers.count == batch.headers(at: 0).all.count)
        return letter.reason
    }

    @Test func aTombstone() async throws {
        #expect(
            try await reason { $0.append(key: "one", headers: $1.headers(), value: [UInt8]?.none) }.contains(
                "no payload"))
    }

    @Test(arguments: [
        Array("not JSON".utf8), [], [0xFF, 0xFE, 0x00], Array(#"{"id":"1","text":"\#u{1}"}"#.utf8),
        Array(#"{"id":"1","text":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8),
        Array(repeating: UInt8(ascii: "["), count: 100_000), Array("{}{}".utf8),
    ])
    func whatIsNotJSON(payload: [UInt8]) async throws {
        let reason = try await reason { $0.append(key: "one", headers: $1.headers(), value: payload) }
        #expect(reason.contains("JSON"))
    }

    @Test(arguments: [
        #"{"id":"1"}"#, #"{"text":"who am I"}"#, #"{"id":"1","text":"when","created_at":"yesterday"}"#,
        #"{"id":{},"text":"what"}"#, #"{"id":"1","text":["a"]}"#, "null", "7", #""text""#,
        #"{"notes":[7]}"#,
    ])
    func whatTheConnectorDoesNotKnow(payload: String) async throws {
        let reason = try await reason { $0.append(key: "one", headers: $1.headers(), value: Array(payload.utf8)) }
        #expect(!reason.isEmpty)
    }

    @Test func anUnknownStream() async throws {
        let stranger = StreamID.make()
        let reason = try await reason {
            $0.append(key: "one", headers: $1.headers(stream: stranger), value: Array("{}".utf8))
        }
        #expect(reason.contains(stranger.rawValue))
    }

    @Test func noHeadersAtAll() async throws {
        #expect(
            try await reason { batch, _ in batch.append(key: "one", value: Array("{}".utf8)) }.contains("no stream"))
    }

    @Test func headersThatAreNoText() async throws {
        let reason = try await reason { batch, _ in
            var headers = RecordHeaders()
            headers.append(RawHeader.stream, [0xFF, 0x00, 0xC3])
            batch.append(key: "one", headers: headers, value: Array("{}".utf8))
        }
        #expect(reason.contains("no stream"))
    }

    @Test func aStreamOfAnotherWorkspace() async throws {
        let reason = try await reason {
            $0.append(
                key: "one", headers: $1.headers(workspace: $1.otherWorkspace),
                value: Array(#"{"id":"1","text":"x"}"#.utf8))
        }
        #expect(reason.contains("another one's"))
    }

    @Test func anUnknownConnector() async throws {
        let bench = try await Bench()
        try await bench.directory.publish([.stream(bench.record(connector: "gone"))])
        try await bench.push([#"{"id":"1","text":"x"}"#])
        try await bench.drain(try bench.handler())
        #expect(try await bench.deadLetters().first?.reason.contains("no connector gone") == true)
    }

    @Test func aMappingOfTheStreamThatIsWrong() async throws {
        let bench = try await Bench()
        try await bench.directory.publish([.stream(bench.record(mapping: ["text": ["function": 7]]))])
        try await bench.push([#"{"id":"1","text":"x"}"#])
        try await bench.drain(try bench.handler())
        let letter = try #require(try await bench.deadLetters().first)
        #expect(letter.reason.contains("mapping"))
        #expect(letter.workspace == bench.workspace)
        #expect(letter.stream == bench.stream)
    }

    @Test func aPayloadOverTheLimit() async throws {
        let bench = try await Bench()
        var settings = ParserSettings.unlimited
        settings.maximumPayloadBytes = 1000
        settings.maximumOriginalBytes = 500
        try await bench.push([
            #"{"id":"1","text":"\#(String(repeating: "a", count: 2000))"}"#, #"{"id":"2","text":"b"}"#,
        ])
        try await bench.drain(try bench.handler(settings: settings))
        #expect(try await bench.feedback().count == 1)
        let letter = try #require(try await bench.deadLetters().first)
        #expect(letter.reason.contains("bytes, more than 1000"))
        #expect(letter.isOmitted == true)
        #expect(letter.payload == nil)
    }

    @Test func feedbackOverTheLimit() async throws {
        let bench = try await Bench()
        var settings = ParserSettings.unlimited
        settings.maximumFeedbackBytes = 2000
        try await bench.push([
            #"{"id":"1","text":"\#(String(repeating: "word ", count: 2000))"}"#, #"{"id":"2","text":"b"}"#,
        ])
        try await bench.drain(try bench.handler(settings: settings))
        #expect(try await bench.feedback().map(\.source.externalID) == ["2"])
        #expect(try await bench.deadLetters().first?.reason.contains("more than 2000") == true)
    }

    @Test func aHundredThousandItemsInOneDelivery() async throws {
        let bench = try await Bench()
        let items = (0..<100_000).map { $0 % 10 == 9 ? "{}" : #"{"id":"\#($0)","text":"a"}"# }
        try await bench.push([#"{"notes":[\#(items.joined(separator: ","))]}"#])
        try await bench.drain(try bench.handler())
        let counts = try await bench.ledger().total
        #expect(counts.events == 1)
        #expect(counts.extra == 99_999)
        #expect(counts.emitted == 90_000)
        #expect(counts.dead == 10_000)
        let letters = try await bench.deadLetters()
        #expect(letters.count == 10_000)
        #expect(letters.count { $0.isOmitted != true } <= 1)
    }

    @Test func strangeButValid() async throws {
        let bench = try await Bench()
        try await bench.push(
            [
                #"{"id":"1","text":"\u0000 nul \ud800 lone"}"#, #"{"id":"2","text":"x","rating":1e999}"#,
                #"{"id":"3","text":"x","created_at":"9999-12-31T23:59:59Z"}"#,
                #"{"id":"4","text":"x","created_at":"0001-01-01T00:00:00Z"}"#,
                #"{"id":"5","text":"x","rating":-99999999999999999999999}"#,
                #"{"id":"6","title":"\#(String(repeating: "t", count: 10_000))","text":""}"#,
                #"{"id":"7","text":"x","labels":[null,{},[],7]}"#,
                #"{"id":"\#(String(repeating: "9", count: 5000))","text":"x"}"#,
            ], key: { _ in "one" })
        try await bench.drain(try bench.handler())
        let counts = try await bench.ledger().total
        #expect(counts.items == 8)
        #expect(counts.isBalanced)
        #expect(try await bench.feedback().count == counts.emitted)
    }

    @Test func randomBytes() async throws {
        let bench = try await Bench()
        var random = RandomSource(seed: 20_210_220)
        let valid = Array(#"{"id":"1","title":"t","text":"Some **text**","format":"markdown","rating":4}"#.utf8)
        var batch = RecordBatch()
        for i in 0..<500 {
            var payload = valid
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<payload.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: payload[at] = UInt8.random(in: 0...255, using: &random)
                case 1: payload.remove(at: at)
                default: payload.insert(UInt8.random(in: 0...255, using: &random), at: at)
                }
            }
            batch.append(key: "k\(i)", headers: bench.headers(), value: payload)
        }
        try await bench.log.append(batch, to: .raw)
        try await bench.drain(try bench.handler())
        let counts = try await bench.ledger().total
        #expect(counts.items == 500)
        #expect(counts.isBalanced)
        #expect(counts.dead > 50)
        #expect(counts.emitted > 20)
    }
}
