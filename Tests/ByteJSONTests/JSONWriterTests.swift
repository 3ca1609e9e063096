import ByteJSON
import Foundation
import TestKit
import Testing

@Suite("Writing JSON")
struct JSONWriterTests {
    @Test("what is written reads back, here and in Foundation", arguments: 0..<4 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var author = JSONAuthor(seed: seed &+ 77)
        for _ in 0..<300 {
            // Written once, whole doubles are integers.
            let value = JSON(try JSONDocument(parsing: JSON(try JSONDocument(parsing: author.text()).root).bytes).root)
            let written = value.bytes
            #expect(JSON(try JSONDocument(parsing: written).root) == value)
            #expect(throws: Never.self) {
                try JSONSerialization.jsonObject(with: Data(written), options: .fragmentsAllowed)
            }
        }
    }

    @Test("puts commas and escapes where they belong")
    func text() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a\"b", "q\"\\\n\r\t\u{1}\u{1F}é😀/")
        writer.key("list")
        writer.beginArray()
        writer.integer(1)
        writer.bool(true)
        writer.null()
        writer.double(1.5)
        writer.double(3)
        writer.double(.infinity)
        writer.double(.nan)
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.raw(Array("{\"x\":1}".utf8))
        writer.endArray()
        writer.member("n", -7)
        writer.endObject()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"a\"b":"q\"\\\n\r\t\u0001\u001fé😀/","list":[1,true,null,1.5,3,null,null,{},[],{"x":1}],"n":-7}"#)
    }

    @Test("writes JSON Lines, also behind what is there")
    func lines() {
        var writer = JSONWriter(appendingTo: Array("0\n".utf8))
        for number in 1...3 {
            writer.integer(number)
            writer.newline()
        }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "0\n1\n2\n3\n")
    }

    @Test("numbers come back exactly")
    func numbers() throws {
        var random = RandomSource(seed: 9)
        for _ in 0..<3000 {
            let double = Double(bitPattern: .random(in: 0...UInt64.max, using: &random))
            let integer = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63, using: &random)
            var writer = JSONWriter()
            writer.beginArray()
            writer.double(double)
            writer.integer(integer)
            writer.endArray()
            let root = try JSONDocument(parsing: writer.bytes).root
            if double.isFinite { #expect(root[0]?.double == double) } else { #expect(root[0]?.isNull == true) }
            #expect(root[1]?.int64 == integer)
        }
    }

    @Test("equal trees are equal bytes, whatever the order of their members")
    func sorted() throws {
        let one = JSON(try JSONDocument(parsing: #"{"b":1,"a":[true,null],"c":{"y":2,"x":1.5}}"#).root)
        let two: JSON = ["c": ["x": 1.5, "y": 2], "a": [true, .null], "b": 1]
        #expect(one == two)
        #expect(one.bytes == two.bytes)
        #expect(try JSONDecoder().decode(JSON.self, from: Data(one.bytes)) == one)
        #expect(JSON(try JSONDocument(parsing: Array(try JSONEncoder().encode(one))).root) == one)
    }
}
