/// What the beginning of a file tells of how it is written.
public struct RowGuess: Sendable, Hashable {
    /// How characters are written.
    public enum Encoding: String, Sendable, Hashable, CaseIterable {
        case utf8 = "utf-8"
        case utf16LittleEndian = "utf-16le"
        case utf16BigEndian = "utf-16be"
        /// Not UTF-8: a table's rows are read as Windows-1252, each that is no UTF-8.
        case windows1252 = "windows-1252"
    }

    public let encoding: Encoding
    public let hasByteOrderMark: Bool
    public let dialect: RowDialect

    /// Rows that are looked at.
    private static let rows = 100

    /// - Parameters:
    ///   - firstBytes: Some hundred kilobytes are enough.
    ///   - isWhole: Whether that is all there is.
    ///   - format: Where somebody knows it.
    public init(firstBytes: [UInt8], isWhole: Bool, format: RowFormat? = nil) {
        var decoder = UTF8Stream()
        var text: [UInt8] = []
        decoder.decode(firstBytes, into: &text, isLast: isWhole)
        if !isWhole { text = Self.wholeLines(of: text) }
        encoding =
            switch decoder.isBigEndianUTF16 {
            case true?: .utf16BigEndian
            case false?: .utf16LittleEndian
            case nil: String(validating: text, as: UTF8.self) == nil ? .windows1252 : .utf8
            }
        hasByteOrderMark = decoder.hasMark
        let format = format ?? RowFormat.detect(text)
        guard format == .csv else {
            dialect = RowDialect(format: format)
            return
        }
        let separator = Self.separator(of: text, isWhole: isWhole)
        let rows = Self.table(text, separator, isWhole: isWhole)
        dialect = RowDialect(format: .csv, separator: separator, hasHeader: Self.hasHeader(rows))
    }

    private static func wholeLines(of text: [UInt8]) -> [UInt8] {
        guard let end = text.lastIndex(where: { $0 == 0x0A || $0 == 0x0D }) else { return text }
        return Array(text[...end])
    }

    /// The separator by which the most rows have as many fields as the first; of several that do, the one that makes the
    /// most of them.
    private static func separator(of text: [UInt8], isWhole: Bool) -> UInt8? {
        let candidates: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09, UInt8(ascii: "|")]
        var best: (separator: UInt8, share: Int, width: Int)?
        for candidate in candidates {
            let rows = table(text, candidate, isWhole: isWhole)
            guard let width = rows.first?.count, width > 1 else { continue }
            // A field without anything behind it may be left out at the end of a row, never added.
            let share = rows.count { $0.count == width } * 20 / rows.count
            if best.map({ (share, width) > ($0.share, $0.width) }) ?? true { best = (candidate, share, width) }
        }
        if let best, best.share >= 10 { return best.separator }
        let firstLine = text.drop { $0 == 0x0A || $0 == 0x0D }.prefix { $0 != 0x0A && $0 != 0x0D }
        return best == nil ? nil : CSVHeader.separator(of: firstLine)
    }

    /// The first rows, as texts.
    private static func table(_ text: [UInt8], _ separator: UInt8?, isWhole: Bool) -> [[String]] {
        var scanner = CSVScanner(separator: separator)
        var rows: [[String]] = []
        text.withUnsafeBufferPointer { bytes in
            var at = 0
            while rows.count < Self.rows, at < bytes.count {
                let rest = UnsafeBufferPointer(rebasing: bytes[at...])
                guard case .row(let end, let next, let fault) = scanner.scan(rest, isLast: isWhole) else { return }
                let fields = scanner.fields
                scanner.restart(linewise: false)
                let row = text[at..<at + end]
                at += next
                if fault != nil || fields.allSatisfy({ $0.start == $0.end }) { continue }
                let reader = CSVRowReader(row)
                rows.append(fields.map { String(decoding: reader.value(of: $0), as: UTF8.self) })
            }
        }
        return rows
    }

    /// Names differ and look like no data; data repeat, or are numbers, times, addresses, sentences.
    private static func hasHeader(_ rows: [[String]]) -> Bool {
        guard let first = rows.first, rows.count > 1 else { return true }
        let names = first.map { $0.lowercased() }.filter { !$0.isEmpty }
        guard Set(names).count == names.count, !names.isEmpty else { return false }
        return !first.contains { cell in
            switch ValueKind(of: cell) {
            case .number, .time, .email, .address: true
            case .sentence: cell.count > 40
            case .word, .empty: false
            }
        }
    }
}
