import ByteJSON
import Foundation
import Rows
import Testing

@Suite struct RowReaderTests {
    /// All rows as JSON texts or faults, the text fed in pieces.
    static func read(
        _ bytes: [UInt8], format: RowFormat? = nil, maximumRowBytes: Int = 1 << 20, pieces: () -> Int = { 7 }
    ) -> [String] {
        var reader = RowReader(format: format, maximumRowBytes: maximumRowBytes)
        var rows: [String] = []
        func drain() {
            while let row = reader.next() {
                do throws(RowFault) {
                    rows.append(String(decoding: try reader.json(of: row), as: UTF8.self))
                } catch {
                    rows.append("\(row.number)/\(row.line): \(error)")
                }
            }
        }
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + max(1, pieces()))
            reader.feed(bytes[at..<end])
            drain()
            at = end
        }
        reader.finish()
        drain()
        return rows
    }

    static func read(_ text: String, format: RowFormat? = nil, maximumRowBytes: Int = 1 << 20) -> [String] {
        read(Array(text.utf8), format: format, maximumRowBytes: maximumRowBytes)
    }

    @Test func linesAreRows() {
        #expect(
            Self.read("{\"a\":1}\r\n\n  \n[2]\n{\"a\":") == [
                #"{"a":1}"#, "[2]", "3/5: not JSON: unexpected end at byte 5",
            ])
        #expect(Self.read("\u{FEFF}{\"a\":1}") == [#"{"a":1}"#])
        #expect(Self.read("") == [] && Self.read("\n\n") == [])
        let long = "{\"a\":\"" + String(repeating: "x", count: 100) + "\"}"
        #expect(
            Self.read("{}\n\(long)\n{\"b\":2}\n\(long)", maximumRowBytes: 50) == [
                "{}", "2/2: longer than 50 bytes", #"{"b":2}"#, "4/4: longer than 50 bytes",
            ])
    }

    @Test func fieldsAreMembers() {
        let text = #"""
            id,text , "odd",,id
            1,"two
            lines, ""quoted""",x,y,z\#r
            2,"a"b,,,

            ,,,,
            3,"back\slash",\#t
            """#
        #expect(
            Self.read(text) == [
                #"{"id":"1","text":"two\nlines, \"quoted\"","\"odd\"":"x","column_4":"y","id_2":"z"}"#,
                #"{"id":"2","text":"ab"}"#, #"{"id":"3","text":"back\\slash","\"odd\"":"\t"}"#,
            ])
    }

    @Test(arguments: [",", ";", "\t", "|"])
    func separatorsShowInTheHeader(_ separator: String) {
        let text = "text\(separator)rating\n\"a,b;c\"\(separator)5\n"
        #expect(Self.read(text) == [#"{"text":"a,b;c","rating":"5"}"#])
    }

    @Test func aTableOfOneColumnHasNoSeparator() {
        #expect(
            Self.read("review\nSlow, but it works; mostly\n\"quoted\"\n") == [
                #"{"review":"Slow, but it works; mostly"}"#, #"{"review":"quoted"}"#,
            ])
    }

    @Test func encodingsAreUnderstood() {
        let text = "text,n\r\nL’export échoue 🙁,1\r\n\"日本\r\n語\",2\r\n"
        let rows = [#"{"text":"L’export échoue 🙁","n":"1"}"#, #"{"text":"日本\r\n語","n":"2"}"#]
        #expect(Self.read(text) == rows)
        for isBigEndian in [false, true] {
            let units = text.utf16.flatMap { unit -> [UInt8] in
                let pair = [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)]
                return isBigEndian ? pair.reversed() : pair
            }
            #expect(Self.read((isBigEndian ? [0xFE, 0xFF] : [0xFF, 0xFE]) + units) == rows)
            #expect(Self.read(units) == rows)
        }
        let windows = Array("text\n".utf8) + [0x4C, 0x92, 0xE9, 0x74, 0xE9, 0x20, 0x80, 0x0A] + Array("ok é\n".utf8)
        #expect(Self.read(windows) == [#"{"text":"L’été €"}"#, #"{"text":"ok é"}"#])
    }

    @Test func aQuotationThatNothingClosesCostsOneRow() {
        let rows = (1...50).map { "\($0),text \($0)\n" }.joined()
        let read = Self.read("id,text\n0,\"open\n" + rows)
        #expect(read.count == 51)
        #expect(read[0] == "1/2: a quotation mark is not closed")
        #expect(read[1] == #"{"id":"1","text":"text 1"}"# && read[50] == #"{"id":"50","text":"text 50"}"#)
        // The same where the rest is larger than a row may be.
        let bounded = Self.read("id,text\n0,\"open\n" + rows + "x,\"a\nb\"\n", maximumRowBytes: 100)
        #expect(bounded.count == 52 && bounded[1] == read[1] && bounded[51] == #"{"id":"x","text":"a\nb"}"#)
    }

    @Test func moreFieldsThanColumnsAreAFault() {
        #expect(
            Self.read("a,b\n1,2,3\n1,2,\n1\n") == [
                "1/2: has 3 fields, the header names 2", #"{"a":"1","b":"2"}"#, #"{"a":"1"}"#,
            ])
    }

    @Test func tablesSurviveWritingAndReadingInAnyPieces() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let width = Int.random(in: 2...5, using: &generator)
            let separator = ",;\t|".randomElement(using: &generator) ?? ","
            let end = ["\n", "\r\n", "\r"].randomElement(using: &generator) ?? "\n"
            let columns = (0..<width).map { "c\($0)" }
            let rows = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                (0..<width).map { _ in
                    String(
                        (0..<Int.random(in: 0...6, using: &generator)).compactMap { _ in
                            "ab é🙁,;\t|\"\n\r'\\".randomElement(using: &generator)
                        })
                }
            }.filter { $0.contains { !$0.isEmpty } }
            let text = ([columns] + rows).map { row in
                row.map { field in
                    let mustQuote = field.contains { "\"\n\r".contains($0) || $0.isNewline || $0 == separator }
                    guard mustQuote || Bool.random(using: &generator) && !field.isEmpty else { return field }
                    return "\"" + field.replacing("\"", with: "\"\"") + "\""
                }.joined(separator: String(separator)) + end
            }.joined()
            let expected = rows.map { row in
                var writer = JSONWriter()
                writer.beginObject()
                for (name, value) in zip(columns, row) where !value.isEmpty { writer.member(name, value) }
                writer.endObject()
                return String(decoding: writer.bytes, as: UTF8.self)
            }
            let read = Self.read(Array(text.utf8), format: .csv) { Int.random(in: 1...9, using: &generator) }
            #expect(read == expected, "\(text.debugDescription)")
        }
    }

    @Test func chunksHoldTheRowsOfTheWhole() {
        var text = "id,text\r\n"
        for i in 1...200 {
            text += i % 50 == 0 ? "\(i),\(String(repeating: "z", count: 300))\n" : "\(i),\"line\none \(i)\"\n\n"
        }
        text += "201,\"open\n202,closed\n"
        var whole = RowReader(maximumRowBytes: 200)
        whole.feed(Array(text.utf8))
        whole.finish()
        var expected: [String] = []
        while let row = whole.next() { expected.append("\(row.number): \(Self.outcome(row, whole))") }
        #expect(expected.count == 202 && expected.filter { $0.contains("!") }.count == 5)

        var chunker = RowChunker(chunkBytes: 100, maximumRowBytes: 200)
        var found: [String] = []
        func drain() {
            while let chunk = chunker.nextChunk() {
                var reader = RowReader(format: chunker.format, maximumRowBytes: 200)
                reader.feed(chunk.bytes)
                reader.finish()
                var count = 0
                while let row = reader.next() {
                    found.append("\(chunk.firstRow + row.number - 1): \(Self.outcome(row, reader))")
                    count += 1
                }
                #expect(count == chunk.rows)
            }
        }
        for byte in text.utf8 {
            chunker.feed([byte])
            drain()
        }
        chunker.finish()
        drain()
        #expect(found == expected)
    }

    private static func outcome(_ row: Row, _ reader: RowReader) -> String {
        do throws(RowFault) {
            return String(decoding: try reader.json(of: row), as: UTF8.self)
        } catch {
            return "! \(error)"
        }
    }
}

private let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// Random bytes, read as Python's `csv` reads them.
@Suite(.enabled(if: python != nil, "python3 is the oracle"))
struct CSVOracle {
    @Test(.timeLimit(.minutes(1))) func anyTextIsReadAsPythonReadsIt() throws {
        let script = """
            import csv, io, json, sys
            for text in json.load(sys.stdin):
                rows = [r for r in csv.reader(io.StringIO(text, newline='')) if any(r)]
                print(json.dumps(rows))
            """
        let texts = (0..<400).map { _ in
            "c0,c1,c2,c3,c4,c5,c6,c7\n"
                + String(
                    (0..<Int.random(in: 0...40)).compactMap { _ in
                        ["a", "b", ",", "\"", "\n", "\r\n", " ", ",\"", "\","].randomElement()
                    }.joined())
        }
        let folder = try Folder()
        try Data(script.utf8).write(to: URL(filePath: folder.path + "/oracle.py"))
        try JSONEncoder().encode(texts).write(to: URL(filePath: folder.path + "/texts.json"))
        let process = Process()
        process.executableURL = URL(filePath: try #require(python))
        process.arguments = [folder.path + "/oracle.py"]
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: folder.path + "/texts.json"))
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let lines = try #require(try output.fileHandleForReading.readToEnd()).split(separator: 0x0A)
        process.waitUntilExit()
        #expect(lines.count == texts.count)
        var compared = 0
        for (text, line) in zip(texts, lines) {
            let rows = RowReaderTests.read(Array(text.utf8), format: .csv) { Int.random(in: 1...5) }
            // Where a quotation is left open we tell a fault, and Python takes the rest as one field.
            if rows.contains(where: { !$0.hasPrefix("{") }) { continue }
            let expected = try JSONDecoder().decode([[String]].self, from: Data(line)).dropFirst().map { row in
                Dictionary(
                    uniqueKeysWithValues: row.enumerated().filter { !$0.element.isEmpty }.map {
                        ("c\($0.offset)", $0.element)
                    })
            }
            let found = try rows.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }.filter {
                !$0.isEmpty
            }
            #expect(found == expected, "\(text.debugDescription)")
            compared += 1
        }
        #expect(compared > 100)
    }
}

private let fixtures = ProcessInfo.processInfo.environment["EARSHOT_FIXTURES"]

/// Exports of real programs.
@Suite(.enabled(if: fixtures != nil, "set EARSHOT_FIXTURES to the folder of recorded payloads"))
struct RecordedTables {
    private static func rows(_ name: String) throws -> [[String: String]] {
        let bytes = try Array(Data(contentsOf: URL(filePath: try #require(fixtures) + "/csv_import/" + name)))
        return try RowReaderTests.read(bytes, pieces: { 1000 }).map {
            try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
        }
    }

    @Test func issuesWithSeveralLinesInACell() throws {
        let rows = try Self.rows("github_issues.csv")
        #expect(rows.count > 1)
        for row in rows { #expect(Set(row.keys).isSubset(of: ["repo", "created_at", "label", "title", "body"])) }
        #expect(
            rows.contains { $0["body"]?.contains("\n") == true }
                && rows.contains { $0["title"]?.contains("\"") == true })
    }

    @Test func reviewsInUTF16() throws {
        let row = try #require(try Self.rows("google_play_console_reviews_utf16le.csv").first)
        #expect(row["Package Name"] != nil && row["Star Rating"].flatMap { Int($0) } != nil)
    }
}
