import ByteJSON
import Foundation
import TestKit
import Testing

@Suite("JSON texts")
struct JSONDocumentTests {
    @Test(
        "is refused at the byte that is wrong",
        arguments: [
            ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2),
            ("[1,", .unexpectedEnd, 3), ("{\"a\"", .unexpectedEnd, 4), ("{\"a\":", .unexpectedEnd, 5),
            ("\"abc", .unexpectedEnd, 4), ("tru", .unexpectedEnd, 3), ("[1 2]", .unexpectedByte, 3),
            ("[1,]", .unexpectedByte, 3), ("{,}", .unexpectedByte, 1), ("{\"a\" 1}", .unexpectedByte, 5),
            ("{\"a\":1,}", .unexpectedByte, 7), ("{1:2}", .unexpectedByte, 1), ("[1}", .unexpectedByte, 2),
            ("{\"a\":1]", .unexpectedByte, 6), ("trux", .unexpectedByte, 3), ("nul1", .unexpectedByte, 3),
            ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0), ("'a'", .unexpectedByte, 0),
            ("01", .invalidNumber, 1), ("-", .invalidNumber, 1), ("1.", .invalidNumber, 2), ("1.e5", .invalidNumber, 2),
            ("1e", .invalidNumber, 2), ("1e+", .invalidNumber, 3), ("-a", .invalidNumber, 1),
            ("\"\\x\"", .invalidEscape, 1), ("\"\\u12g4\"", .invalidEscape, 5), ("\"a\nb\"", .controlCharacter, 2),
            ("1 2", .trailingBytes, 2), ("{} x", .trailingBytes, 3), ("NaN", .unexpectedByte, 0),
            ("/* no */ 1", .unexpectedByte, 0), ("\u{FEFF}1", .unexpectedByte, 0),
        ] as [(String, JSONError.Reason, Int)])
    func refused(text: String, reason: JSONError.Reason, offset: Int) {
        #expect(throws: JSONError(reason, at: offset)) { try JSONDocument(parsing: text) }
    }

    @Test(
        "is refused when its UTF-8 is wrong",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xE2, 0x82],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x28, 0xA1], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func wrongUTF8(bytes: [UInt8]) {
        // At every place of a word of eight bytes.
        for padding in 0..<9 {
            let text = [UInt8(ascii: "\"")] + [UInt8](repeating: 0x61, count: padding) + bytes + Array("\"".utf8)
            #expect(throws: JSONError(.invalidUTF8, at: 1 + padding)) { try JSONDocument(parsing: text) }
        }
    }

    @Test("every scalar of Unicode comes back, plain and escaped")
    func scalars() throws {
        for code in stride(from: UInt32(0x20), through: 0x10FFFF, by: 37) {
            guard let scalar = Unicode.Scalar(code), code != 0x22, code != 0x5C else { continue }
            let text = String(Character(scalar))
            #expect(try JSONDocument(parsing: "\"\(text)\"").root.string == text)
            let escaped = text.utf16.map { "\\u" + String(format: "%04x", $0) }.joined()
            #expect(try JSONDocument(parsing: "\"x\(escaped)y\"").root.string == "x\(text)y")
        }
    }

    @Test(
        "a lone surrogate reads as the replacement character",
        arguments: [
            ("\\ud800", "\u{FFFD}"), ("\\udc00", "\u{FFFD}"), ("\\ud800x", "\u{FFFD}x"), ("\\ud800\\n", "\u{FFFD}\n"),
            ("\\ud800\\ud83d\\ude00", "\u{FFFD}😀"), ("\\ude00\\ud83d", "\u{FFFD}\u{FFFD}"),
        ])
    func loneSurrogates(escaped: String, expected: String) throws {
        #expect(try JSONDocument(parsing: "\"\(escaped)\"").root.string == expected)
    }

    @Test("nests as deep as allowed, and a million brackets are no danger")
    func depth() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        }
        #expect(throws: Never.self) { try JSONDocument(parsing: nested(128, "[", "]")) }
        #expect(throws: Never.self) { try JSONDocument(parsing: nested(128, "{\"a\":", "}")) }
        #expect(throws: JSONError(.tooDeep, at: 128)) { try JSONDocument(parsing: nested(129, "[", "]")) }
        #expect(throws: JSONError(.tooDeep, at: 3)) { try JSONDocument(parsing: nested(4, "[", "]"), maximumDepth: 3) }
        #expect(throws: JSONError.self) { try JSONDocument(parsing: String(repeating: "[", count: 1_000_000)) }
        #expect(throws: Never.self) {
            try JSONDocument(parsing: nested(200_000, "[", "]"), maximumDepth: 200_000)
        }
    }

    @Test("the last of equal names wins, and escaped names are found")
    func names() throws {
        let root = try JSONDocument(parsing: #"{"a":1,"b":2,"a":3,"caf\u00e9":4,"":5,"ab":6}"#).root
        #expect(root["a"]?.int64 == 3)
        #expect(root["café"]?.int64 == 4)
        #expect(root[""]?.int64 == 5)
        #expect(root["ab"]?.int64 == 6)
        #expect(root["c"] == nil)
        #expect(root["a"]?["x"] == nil)
        #expect(root.members.map(\.name) == ["a", "b", "a", "café", "", "ab"])
        #expect(root.count == 6)
    }

    @Test("values keep their bytes")
    func raw() throws {
        let text = #" { "s" : "x\ny" , "n" : -1.50 , "o" : { "k" : [ 1 , 2 ] } } "#
        let root = try JSONDocument(parsing: text).root
        func raw(_ value: JSONValue?) -> String? { value.map { String(decoding: $0.raw, as: UTF8.self) } }
        #expect(raw(root) == text.trimmingCharacters(in: .whitespaces))
        #expect(raw(root["s"]) == #""x\ny""#)
        #expect(raw(root["n"]) == "-1.50")
        #expect(raw(root["o"]) == #"{ "k" : [ 1 , 2 ] }"#)
        #expect(raw(root["o"]?["k"]?[1]) == "2")
        #expect(root["o"]?["k"]?[2] == nil)
        #expect(root["o"]?["k"]?[-1] == nil)
        #expect(root["s"]?.plainBytes == nil)
        #expect(root["o"]?.plainBytes == nil)
    }

    @Test(
        "integers are exact up to their limits",
        arguments: [
            ("0", 0), ("-0", 0), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("-9223372036854775809", nil),
            ("123456789012345678", 123_456_789_012_345_678),
            ("99999999999999999999", nil), ("1e3", 1000), ("1.0", 1), ("1.5", nil), ("1e30", nil),
        ] as [(String, Int64?)])
    func integers(text: String, value: Int64?) throws {
        #expect(try JSONDocument(parsing: text).root.int64 == value)
    }

    @Test("doubles are the nearest ones")
    func doubles() throws {
        var random = RandomSource(seed: 5)
        var texts = [
            "0.1", "-0.0", "1e22", "9007199254740993", "2.2250738585072011e-308", "5e-324", "1.7976931348623157e308",
            "0.30000000000000004", "123456789012.3456",
        ]
        for _ in 0..<3000 {
            texts.append("\(Double(bitPattern: .random(in: 0...UInt64.max, using: &random)))")
            texts.append(
                "\(Int.random(in: -99999...99999, using: &random)).\(Int.random(in: 0...9_999_999, using: &random))")
        }
        for text in texts {
            guard let document = try? JSONDocument(parsing: text) else {
                #expect(text.contains("n"))  // inf and nan are not JSON
                continue
            }
            #expect(document.root.double?.bitPattern == Double(text)?.bitPattern, "\(text)")
        }
    }

    @Test("reads every recorded payload as Foundation does", .enabled(if: Fixtures.recorded.isPresent))
    func recorded() throws {
        var count = 0
        for folder in try Fixtures.recorded.list("") where !folder.contains(".") {
            for file in try Fixtures.recorded.list(folder, suffix: ".json") {
                let bytes = try Fixtures.recorded.bytes("\(folder)/\(file)")
                guard let theirs = try? JSONDecoder().decode(JSON.self, from: Data(bytes)) else { continue }
                #expect(JSON(try JSONDocument(parsing: bytes).root) == theirs, "\(folder)/\(file)")
                count += 1
            }
        }
        #expect(count > 100)
    }
}
