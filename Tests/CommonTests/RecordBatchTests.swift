import Common
import TestKit
import Testing

@Suite("Records and their headers")
struct RecordBatchTests {
    @Test("gives back what was put in")
    func roundTrip() {
        var random = RandomSource(seed: 3)
        func bytes() -> [UInt8] {
            (0..<Int.random(in: 0...40, using: &random)).map { _ in .random(in: 0...255, using: &random) }
        }
        var batch = RecordBatch()
        var expected: [(key: [UInt8]?, headers: [(String, [UInt8])], value: [UInt8]?)] = []
        for _ in 0..<200 {
            let headers = (0..<Int.random(in: 0...4, using: &random)).map { ("name\($0)", bytes()) }
            let key = Bool.random(using: &random) ? bytes() : nil
            let value = Bool.random(using: &random) ? bytes() : nil
            var block = RecordHeaders()
            for (name, value) in headers { block.append(name, value) }
            batch.append(key: key, headers: block, value: value)
            expected.append((key, headers, value))
        }
        #expect(batch.count == 200)
        for (index, record) in expected.enumerated() {
            #expect(batch.key(at: index).map(Array.init) == record.key)
            #expect(batch.value(at: index).map(Array.init) == record.value)
            #expect(batch.headers(at: index).all.map { Array($0.value) } == record.headers.map(\.1))
            #expect(batch.headers(at: index).all.map(\.name) == record.headers.map(\.0))
            for (name, value) in record.headers {
                #expect(batch.headers(at: index).bytes(name).map(Array.init) == value)
            }
        }
    }

    @Test("finds the first header of a name, and none of another")
    func headers() {
        var headers: RecordHeaders = ["how": "push", "a": ""]
        headers.append("how", "pull")
        #expect(headers["how"] == "push")
        #expect(headers["a"] == "")
        #expect(headers["ho"] == nil)
        #expect(headers["howl"] == nil)
        #expect(headers[""] == nil)
        #expect(RecordHeaders()["how"] == nil)
    }

    @Test("leaves out an incomplete header and does not read past the end")
    func damaged() {
        let whole: RecordHeaders = ["one": "1", "two": "22"]
        for length in 0..<whole.encoded.count {
            let cut = RecordHeaders(encoded: whole.encoded.prefix(length))
            #expect(cut.all.count == (length >= 9 ? 1 : 0), "\(length)")
            #expect(cut["two"] == nil)
        }
        // A length near the largest there is.
        let hostile: [UInt8] = [1, 97, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2]
        #expect(RecordHeaders(encoded: hostile[...]).all.isEmpty)
        #expect(RecordHeaders(encoded: hostile[...])["a"] == nil)
    }

    @Test("takes a header name of 255 bytes")
    func longName() {
        let name = String(repeating: "n", count: 255)
        var headers = RecordHeaders()
        headers.append(name, "value")
        #expect(headers[name] == "value")
    }
}
