import ByteJSON

/// The columns of a CSV text: what makes JSON objects of its rows.
public struct CSVHeader: Sendable, Hashable {
    /// The columns' names, each once.
    public let columns: [String]
    /// What stands between fields; nil if there is one column.
    public let separator: UInt8?
    /// The names as JSON, with quotation marks and a colon behind.
    private let keys: [[UInt8]]

    /// The separator that the first row shows: the one that stands in it most often outside of quotations.
    static func separator(of row: some Collection<UInt8>) -> UInt8? {
        let candidates: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09, UInt8(ascii: "|")]
        var counts = [0, 0, 0, 0]
        var isQuoted = false
        for byte in row {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if !isQuoted, let candidate = candidates.firstIndex(of: byte) { counts[candidate] += 1 }
        }
        let most = counts.max() ?? 0
        return most == 0 ? nil : counts.firstIndex(of: most).map { candidates[$0] }
    }

    /// The columns of a text without a header, called by their position.
    init(width: Int, separator: UInt8?) {
        self.init(
            row: [], fields: [CSVField](repeating: CSVField(start: 0, end: 0, form: .plain), count: width),
            separator: separator)
    }

    /// The columns that a header's own text names.
    init(text: [UInt8], separator: UInt8?) {
        var scanner = CSVScanner(separator: separator)
        _ = text.withUnsafeBufferPointer { scanner.scan($0, isLast: true) }
        self.init(row: text[...], fields: scanner.fields, separator: separator)
    }

    /// A column without a name is called by its position, a second one of a name gets a number.
    init(row: ArraySlice<UInt8>, fields: [CSVField], separator: UInt8?) {
        var names: [String] = []
        var seen: Set<String> = []
        let reader = CSVRowReader(row)
        for (i, field) in fields.enumerated() {
            let text = String(decoding: reader.value(of: field), as: UTF8.self)
            let trimmed = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
            let name = trimmed.isEmpty ? "column_\(i + 1)" : trimmed
            var unique = name
            var repetition = 2
            while !seen.insert(unique).inserted {
                unique = "\(name)_\(repetition)"
                repetition += 1
            }
            names.append(unique)
        }
        columns = names
        self.separator = separator
        keys = names.map { name in
            var writer = JSONWriter()
            writer.string(name)
            return writer.bytes + [UInt8(ascii: ":")]
        }
    }

    /// The texts of the row's fields, at most one a column.
    func values(of row: Row) -> [String] {
        let reader = CSVRowReader(row.text)
        return row.fields.prefix(columns.count).map { String(decoding: reader.value(of: $0), as: UTF8.self) }
    }

    /// The row as a JSON object of texts; empty fields are left out.
    func json(of row: Row) throws(RowFault) -> [UInt8] {
        let extra = row.fields.dropFirst(keys.count)
        guard extra.allSatisfy({ $0.start == $0.end }) else {
            throw .tooManyFields(found: row.fields.count, header: keys.count)
        }
        let reader = CSVRowReader(row.text)
        var output: [UInt8] = []
        output.reserveCapacity(row.text.count + 16 * keys.count)
        output.append(UInt8(ascii: "{"))
        for (field, key) in zip(row.fields, keys) {
            let value = reader.value(of: field)
            if value.isEmpty { continue }
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            output.append(contentsOf: key)
            Self.appendString(value, to: &output)
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    private static func appendString(_ value: ArraySlice<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        value.withUnsafeBufferPointer { bytes in
            var from = 0
            for at in 0..<bytes.count {
                let byte = bytes[at]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                output.append(contentsOf: bytes[from..<at])
                from = at + 1
                switch byte {
                case 0x0A: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
                case 0x0D: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
                case 0x09: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(contentsOf: [UInt8(ascii: "\\"), byte])
                default:
                    output.append(contentsOf: "\\u00".utf8)
                    for digit in [byte >> 4, byte & 15] { output.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
                }
            }
            output.append(contentsOf: bytes[from...])
        }
        output.append(UInt8(ascii: "\""))
    }
}

/// Reads the values of one row; a row that is no UTF-8 is read as Windows-1252.
struct CSVRowReader {
    private let row: ArraySlice<UInt8>
    private let isUTF8: Bool

    init(_ row: ArraySlice<UInt8>) {
        self.row = row
        isUTF8 = row.withUnsafeBufferPointer { bytes in
            bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
        }
    }

    func value(of field: CSVField) -> ArraySlice<UInt8> {
        var bytes = row[row.startIndex + field.start..<row.startIndex + field.end]
        switch field.form {
        case .plain: break
        case .quoted: bytes = bytes.dropFirst().dropLast()
        case .irregular: bytes = Self.unquote(bytes)[...]
        }
        return isUTF8 ? bytes : Windows1252.utf8(bytes)[...]
    }

    /// Doubled quotation marks become one; after the closing one, everything is as it is.
    private static func unquote(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(field.count)
        var at = field.startIndex + 1
        while at < field.endIndex {
            guard field[at] == UInt8(ascii: "\"") else {
                value.append(field[at])
                at += 1
                continue
            }
            guard at + 1 < field.endIndex else { break }
            if field[at + 1] != UInt8(ascii: "\"") {
                value.append(contentsOf: field[(at + 1)...])
                break
            }
            value.append(UInt8(ascii: "\""))
            at += 2
        }
        return value
    }
}
