import ByteJSON
import Foundation
import HTTPTypes
import ServiceKit
import Testing

@Suite("Reading requests")
struct RequestReadingTests {
    @Test("a body's mistakes are all told at once, with pointers")
    func bodyObject() {
        let body = BodyObject([
            "name": "", "count": 7.5, "list": [["kind": "a"], 3, ["kind": "b", "other": 1]], "extra~/": 1,
        ])
        #expect(body.string("name") == nil)
        #expect(body.integer("count", in: 1...9) == nil)
        let inside = body.objects("list", count: 1...5) ?? []
        #expect(inside.compactMap { $0.string("kind") } == ["a", "b"])
        #expect(body.timestamp("since", required: true) == nil)
        do {
            try body.finish()
            Issue.record("nothing was refused")
        } catch let problem as Problem {
            let places = Set(problem.errors.map(\.at))
            #expect(problem.status.code == 422)
            #expect(places == ["/name", "/count", "/list/1", "/list/2/other", "/since", "/extra~0~1"])
        } catch {
            Issue.record(error)
        }
    }

    @Test("null is absent, unless it is required")
    func null() throws {
        let body = BodyObject(["name": .null])
        #expect(body.string("name") == nil)
        try body.finish()
        let strict = BodyObject(["name": .null])
        _ = strict.string("name", required: true)
        #expect(throws: Problem.self) { try strict.finish() }
    }

    @Test("a cursor comes back as it went, and nothing else does", arguments: ["", "x", "W10", "eyJhIjoxfQ", "ÿ"])
    func cursor(odd: String) throws {
        let cursor = PageCursor(["st_1", 42])
        #expect(try PageCursor(cursor.text, count: 2) == cursor)
        #expect(throws: Problem.self) { try PageCursor(cursor.text, count: 1) }
        #expect(throws: Problem.self) { try PageCursor(odd, count: 2) }
    }

    @Test("a base 64 text in the URL alphabet comes back as it went", arguments: 0...5)
    func base64URL(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: 255 - $0) }
        #expect(Data(base64URL: Data(bytes).base64URL.utf8) == Data(bytes))
    }
}
