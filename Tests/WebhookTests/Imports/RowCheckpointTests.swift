import Foundation
import Rows
import Testing

/// A reader that goes on at a checkpoint finds the rows that it would have found.
@Suite struct RowCheckpointTests {
    private struct Found: Hashable {
        var number: Int
        var line: Int
        var json: String
    }

    private static let quoted =
        "id,text\r\n" + (1...40).map { "\($0),\"say \"\"\($0)\"\"\nand ümlaut 😀\"\r\n" }.joined()
    static let texts: [(name: String, bytes: [UInt8], dialect: RowDialect)] = [
        ("table", Array(quoted.utf8), RowDialect(format: .csv, separator: UInt8(ascii: ","))),
        ("with mark", [0xEF, 0xBB, 0xBF] + quoted.utf8, RowDialect(format: .csv, separator: UInt8(ascii: ","))),
        (
            "UTF-16LE", [0xFF, 0xFE] + utf16(quoted, isBig: false),
            RowDialect(format: .csv, separator: UInt8(ascii: ","))
        ),
        ("UTF-16BE", utf16(quoted, isBig: true), RowDialect(format: .csv, separator: UInt8(ascii: ","))),
        (
            "no header", Array((1...30).map { "\($0);row \($0);\n" }.joined().utf8),
            RowDialect(format: .csv, separator: UInt8(ascii: ";"), hasHeader: false)
        ),
        (
            "lines", Array((1...30).map { "{\"n\":\($0)}\n\n" }.joined().utf8), RowDialect(format: .jsonLines)
        ),
        (
            "open quotation", Array(("a,b\n" + (1...30).map { $0 == 7 ? "7,\"open\n" : "\($0),x\n" }.joined()).utf8),
            RowDialect(format: .csv, separator: UInt8(ascii: ","))
        ),
    ]

    private static func utf16(_ text: String, isBig: Bool) -> [UInt8] {
        text.utf16.flatMap { isBig ? [UInt8($0 >> 8), UInt8($0 & 255)] : [UInt8($0 & 255), UInt8($0 >> 8)] }
    }

    private static func read(_ reader: inout RowReader, _ bytes: some Collection<UInt8>, piece: Int) -> [Found] {
        var found: [Found] = []
        func take(_ reader: inout RowReader) {
            while let row = reader.next() {
                let json = (try? reader.json(of: row)).map { String(decoding: $0, as: UTF8.self) }
                found.append(Found(number: row.number, line: row.line, json: json ?? "bad"))
            }
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.feed(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            take(&reader)
        }
        reader.finish()
        take(&reader)
        return found
    }

    @Test(arguments: texts.indices)
    func everyRowIsAPlaceToGoOnFrom(_ index: Int) throws {
        let (name, bytes, dialect) = Self.texts[index]
        var whole = RowReader(dialect: dialect, maximumRowBytes: 400)
        let expected = Self.read(&whole, bytes, piece: 7)
        #expect(expected.count >= 30, "\(name)")

        var first = RowReader(dialect: dialect, maximumRowBytes: 400)
        first.feed(bytes)
        first.finish()
        while let row = first.next() {
            let kept = try JSONEncoder().encode(try #require(first.checkpoint))
            let place = try JSONDecoder().decode(RowCheckpoint.self, from: kept)
            #expect(place.rows == row.number)
            let left = expected.filter { $0.number > row.number }
            var again = RowReader(resuming: place, isThere: false, maximumRowBytes: 400)
            #expect(Self.read(&again, bytes, piece: 11) == left, "\(name) after \(row.number), from the beginning")
            if let offset = place.sourceOffset {
                var there = RowReader(resuming: place, isThere: true, maximumRowBytes: 400)
                #expect(Self.read(&there, bytes.dropFirst(offset), piece: 13) == left, "\(name) after \(row.number)")
            } else {
                #expect(name.hasPrefix("UTF-16"))
            }
        }
    }

    @Test func theBeginningTellsHowRowsAreWritten() {
        func guess(_ text: String) -> RowGuess { RowGuess(firstBytes: Array(text.utf8), isWhole: true) }
        let prose = guess("Comment;Stars\nWell, it works, mostly, sometimes;5\nNo, no, no;1\n")
        #expect(prose.dialect == RowDialect(format: .csv, separator: UInt8(ascii: ";")))
        #expect(prose.encoding == .utf8 && !prose.hasByteOrderMark)
        #expect(guess("a\tb\n\"x\ny\"\tz\n").dialect.separator == 0x09)
        #expect(guess("Great\nI love it\nBad\n").dialect.separator == nil)
        #expect(guess("{\"a\":1}\n").dialect.format == .jsonLines)
        let bare = guess("1,Great app,2023-01-02\n2,Bad app,2023-01-03\n").dialect
        #expect(bare.separator == UInt8(ascii: ",") && !bare.hasHeader)
        #expect(
            RowGuess(firstBytes: Array("text\n".utf8) + [0xE4, 0x80, 0x0A], isWhole: true).encoding == .windows1252)
        #expect(RowGuess(firstBytes: Self.utf16("a,b\n1,2\n", isBig: true), isWhole: true).encoding == .utf16BigEndian)
        let marked = RowGuess(firstBytes: Self.texts[1].bytes, isWhole: false)
        #expect(marked.hasByteOrderMark && marked.encoding == .utf8 && marked.dialect.hasHeader)
    }
}
