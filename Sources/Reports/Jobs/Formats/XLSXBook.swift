/// A workbook (Office Open XML) that is written row by row. Texts are texts, whatever they begin with: none is a formula.
final class XLSXBook {
    private let zip = ZipWriter()
    private let heads: [String]
    private let name: String
    private var sheets = 0
    private var rows = 0
    /// Rows that a sheet may have; further ones go on another sheet.
    static let maximumRows = 1_048_576
    /// Characters that a cell may have.
    private static let maximumCharacters = 32_767

    /// - Parameters:
    ///   - name: Of the sheet.
    ///   - heads: The first row, which stays in sight.
    init(_ name: String, heads: [String], to file: inout FileWriter) throws {
        self.name = name
        self.heads = heads
        try beginSheet(to: &file)
    }

    func row(_ cells: [CSVText.Cell], to file: inout FileWriter) throws {
        if rows >= Self.maximumRows {
            try endSheet(to: &file)
            try beginSheet(to: &file)
        }
        try write(cells, style: 0, to: &file)
    }

    /// Ends the file.
    func finish(to file: inout FileWriter) throws {
        try endSheet(to: &file)
        let numbers = Array(1...sheets)
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        let package = "http://schemas.openxmlformats.org/package/2006"
        let type = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        try part(
            "xl/workbook.xml",
            "<workbook xmlns=\"\(main)\" xmlns:r=\"\(relations)\"><sheets>"
                + numbers.map { number in
                    let title = number == 1 ? name : "\(name) \(number)"
                    return "<sheet name=\"\(title)\" sheetId=\"\(number)\" r:id=\"rId\(number)\"/>"
                }.joined() + "</sheets></workbook>", to: &file)
        try part(
            "xl/_rels/workbook.xml.rels",
            "<Relationships xmlns=\"\(package)/relationships\">"
                + numbers.map {
                    "<Relationship Id=\"rId\($0)\" Type=\"\(relations)/worksheet\" Target=\"worksheets/sheet\($0).xml\"/>"
                }.joined()
                + "<Relationship Id=\"rId0\" Type=\"\(relations)/styles\" Target=\"styles.xml\"/></Relationships>",
            to: &file)
        try part(
            "xl/styles.xml",
            "<styleSheet xmlns=\"\(main)\"><fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font>"
                + "<font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts><fills count=\"2\"><fill>"
                + "<patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>"
                + "<borders count=\"1\"><border/></borders><cellStyleXfs count=\"1\"><xf/></cellStyleXfs>"
                + "<cellXfs count=\"2\"><xf xfId=\"0\"/><xf fontId=\"1\" xfId=\"0\" applyFont=\"1\"/></cellXfs>"
                + "<cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
            to: &file)
        try part(
            "_rels/.rels",
            "<Relationships xmlns=\"\(package)/relationships\"><Relationship Id=\"rId1\" Type=\"\(relations)/officeDocument\" "
                + "Target=\"xl/workbook.xml\"/></Relationships>", to: &file)
        try part(
            "[Content_Types].xml",
            "<Types xmlns=\"\(package)/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/>"
                + "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
                + "<Override PartName=\"/xl/workbook.xml\" ContentType=\"\(type).sheet.main+xml\"/>"
                + "<Override PartName=\"/xl/styles.xml\" ContentType=\"\(type).styles+xml\"/>"
                + numbers.map {
                    "<Override PartName=\"/xl/worksheets/sheet\($0).xml\" ContentType=\"\(type).worksheet+xml\"/>"
                }.joined() + "</Types>", to: &file)
        try zip.finish(to: &file)
    }

    private static let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"

    private func part(_ name: String, _ xml: String, to file: inout FileWriter) throws {
        try zip.begin(name, to: &file)
        try zip.write(Array((Self.declaration + xml).utf8), to: &file)
    }

    private func beginSheet(to file: inout FileWriter) throws {
        sheets += 1
        rows = 0
        try part(
            "xl/worksheets/sheet\(sheets).xml",
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetViews>"
                + "<sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" "
                + "state=\"frozen\"/></sheetView></sheetViews><sheetData>", to: &file)
        try write(heads.map { .name($0) }, style: 1, to: &file)
    }

    private func endSheet(to file: inout FileWriter) throws {
        try zip.write(Array("</sheetData></worksheet>".utf8), to: &file)
    }

    private func write(_ cells: [CSVText.Cell], style: Int, to file: inout FileWriter) throws {
        rows += 1
        var row = Array("<row>".utf8)
        let styled = style == 0 ? "" : " s=\"\(style)\""
        for cell in cells {
            switch cell {
            case .number(let text) where Double(text)?.isFinite == true:
                row += Array("<c\(styled)><v>\(text)</v></c>".utf8)
            case .number, .text, .name:
                row += Array("<c\(styled) t=\"inlineStr\"><is><t xml:space=\"preserve\">".utf8)
                Self.append(cell.text, to: &row)
                row += Array("</t></is></c>".utf8)
            }
        }
        row += Array("</row>".utf8)
        try zip.write(row, to: &file)
    }

    /// What XML cannot hold is left out.
    private static func append(_ text: String, to row: inout [UInt8]) {
        var length = 0
        for scalar in text.unicodeScalars {
            length += scalar.value > 0xFFFF ? 2 : 1
            if length > maximumCharacters { return }
            switch scalar {
            case "&": row += Array("&amp;".utf8)
            case "<": row += Array("&lt;".utf8)
            case ">": row += Array("&gt;".utf8)
            case "\t", "\n": row.append(UInt8(scalar.value))
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: continue
            default: row += Array(String(scalar).utf8)
            }
        }
    }
}
