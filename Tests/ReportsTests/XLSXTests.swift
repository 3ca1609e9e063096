import ByteJSON
import Foundation
import TestKit
import Testing

@testable import Reports

/// Workbooks as another program reads them: `openpyxl`, which `scripts/python.sh` installs.
@Suite("Workbooks")
struct XLSXTests {
    private static let program = """
        import json, sys, openpyxl
        book = openpyxl.load_workbook(sys.argv[1])
        print(json.dumps({sheet.title: [[cell for cell in row] for row in sheet.iter_rows(values_only=True)]
            for sheet in book}))
        """

    private func read(_ path: String) throws -> JSON {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python = root.appendingPathComponent(".build/python/bin/python3").path
        try #require(FileManager.default.isExecutableFile(atPath: python), "run scripts/python.sh")
        let (status, output) = try ChildProcess.run([python, "-c", Self.program, path])
        try #require(status == 0)
        return JSON(try JSONDocument(parsing: output).root)
    }

    @Test("texts are what they were, numbers are numbers, and nothing is a formula")
    func cells() throws {
        let folder = try TemporaryFolder()
        var file = try FileWriter(path: folder.file("a.xlsx"))
        let book = try XLSXBook("Verbatims", heads: ["text", "number"], to: &file)
        let texts = ["=1+1", " <b>&\"'</b> ", "Zwei\nZeilen\tund 👋🏽", "nul\u{0}und\u{1}mehr", ""]
        for text in texts { try book.row([.text(text), .number("-4.5")], to: &file) }
        try book.row([.name("x"), .number("NaN")], to: &file)
        try book.finish(to: &file)
        _ = try file.finish()
        let rows = try #require(try read(folder.file("a.xlsx"))["Verbatims"]?.array)
        #expect(rows.first?.array == ["text", "number"])
        let found = rows.dropFirst().prefix(5).map { $0.array?.first?.string ?? "" }
        #expect(found == ["=1+1", " <b>&\"'</b> ", "Zwei\nZeilen\tund 👋🏽", "nulundmehr", ""])
        #expect(rows.dropFirst().prefix(5).allSatisfy { $0.array?.last?.double == -4.5 })
        #expect(rows.last?.array == ["x", "NaN"])
    }

    @Test("many rows are compressed as they come")
    func many() throws {
        let folder = try TemporaryFolder()
        var file = try FileWriter(path: folder.file("a.xlsx"))
        let book = try XLSXBook("V", heads: ["n", "t"], to: &file)
        for number in 0..<20_000 { try book.row([.number("\(number)"), .text("said \(number)")], to: &file) }
        try book.finish(to: &file)
        _ = try file.finish()
        #expect(file.bytes < 200_000)
        let rows = try #require(try read(folder.file("a.xlsx"))["V"]?.array)
        #expect(rows.count == 20_001 && rows.last?.array == [19_999, "said 19999"])
    }

    @Test("numbers in versions are compared as numbers")
    func versions() {
        let sorted = ["2.9", "2.10", "2.10.1", "v3", "beta"].sorted { AppVersionHealth.isNewer($0, $1) }
        #expect(sorted == ["v3", "2.10.1", "2.10", "2.9", "beta"])
    }
}
