import ByteJSON

/// Cuts a text that comes in pieces into rows, and makes JSON of them.
///
/// ```swift
/// var reader = RowReader()
/// reader.feed(piece)                    // again and again
/// while let row = reader.next() { … reader.json(of: row) … }
/// reader.finish()                       // then next() until it is nil
/// ```
/// Byte order marks and UTF-16 are understood, blank rows are passed over, and memory is bounded by the longest row
/// allowed and the piece in hand.
public struct RowReader: Sendable {
    /// How the rows are written; nil before the first bytes showed it.
    public private(set) var format: RowFormat?
    /// The columns of a CSV text, after its first row came.
    public private(set) var header: CSVHeader?
    /// The header's own text, for repeating it in front of other rows.
    public private(set) var headerText: [UInt8] = []

    private let maximumRowBytes: Int
    /// How the rows are written, where somebody knows it.
    private let dialect: RowDialect?
    private var decoder = UTF8Stream()
    private var lines = LineScanner()
    /// nil where rows are lines.
    private var csv: CSVScanner?
    private var isPrepared = false
    private var buffer: [UInt8] = []
    /// Where the row in hand begins in the buffer.
    private var position = 0
    /// Bytes of the text before the buffer.
    private var dropped = 0
    /// Bytes that were read before, and are not to be read again.
    private var bytesToSkip = 0
    private var isFinished = false
    private var rows = 0
    private var line = 1
    /// Bytes from the row's beginning on that hold a quotation which nothing closed: quotations end on their line.
    private var linewiseBytes = 0
    /// The beginning of a row that is too long; its end is being looked for.
    private var overlong: [UInt8]?

    /// - Parameters:
    ///   - format: nil looks at the first bytes.
    ///   - maximumRowBytes: A longer row is a fault of that row.
    public init(format: RowFormat? = nil, maximumRowBytes: Int = 1 << 20) {
        self.format = format
        self.maximumRowBytes = maximumRowBytes
        dialect = nil
    }

    /// A reader of a text that is written so, whatever it looks like.
    public init(dialect: RowDialect, maximumRowBytes: Int = 1 << 20) {
        format = dialect.format
        self.maximumRowBytes = maximumRowBytes
        self.dialect = dialect
    }

    /// A reader that goes on where another one was.
    ///
    /// - Parameter isThere: Whether the bytes that it is fed begin at ``RowCheckpoint/sourceOffset``; otherwise they begin
    ///   with the text, and those before the place are passed over.
    public init(resuming place: RowCheckpoint, isThere: Bool, maximumRowBytes: Int = 1 << 20) {
        self.init(dialect: place.dialect, maximumRowBytes: maximumRowBytes)
        if isThere, let mark = place.mark { decoder = UTF8Stream(plainAfter: mark) }
        if isThere { dropped = place.offset } else { bytesToSkip = place.offset }
        rows = place.rows
        line = place.line
        linewiseBytes = place.linewiseBytes
        isPrepared = true
        guard place.dialect.format == .csv else { return }
        csv = CSVScanner(separator: place.dialect.separator)
        csv?.restart(linewise: linewiseBytes > 0)
        headerText = place.header
        header =
            place.dialect.hasHeader
            ? CSVHeader(text: place.header, separator: place.dialect.separator)
            : place.width > 0 ? CSVHeader(width: place.width, separator: place.dialect.separator) : nil
    }

    /// The place behind the row that was read last; nil before the first.
    public var checkpoint: RowCheckpoint? {
        guard let format, rows > 0 else { return nil }
        return RowCheckpoint(
            dialect: RowDialect(format: format, separator: csv?.separator, hasHeader: dialect?.hasHeader ?? true),
            header: headerText, width: headerText.isEmpty ? header?.columns.count ?? 0 : 0, rows: rows, line: line,
            offset: dropped + position, linewiseBytes: linewiseBytes, mark: decoder.plainMark)
    }

    /// Adds bytes behind those that were not read yet.
    public mutating func feed(_ bytes: some Collection<UInt8>) {
        dropRead()
        decoder.decode(bytes, into: &buffer, isLast: false)
        skipRead()
    }

    /// Says that no bytes follow.
    public mutating func finish() {
        dropRead()
        decoder.decode([], into: &buffer, isLast: true)
        skipRead()
        isFinished = true
    }

    private mutating func dropRead() {
        buffer.removeFirst(position)
        dropped += position
        position = 0
    }

    private mutating func skipRead() {
        guard bytesToSkip > 0 else { return }
        let count = min(bytesToSkip, buffer.count)
        buffer.removeFirst(count)
        dropped += count
        bytesToSkip -= count
    }

    /// The next row; nil: feed more, or that was all.
    public mutating func next() -> Row? {
        while position < buffer.count || isFinished && overlong != nil {
            guard prepare() else { return nil }
            if let overlong {
                guard let row = finishOverlong(overlong) else { return nil }
                return row
            }
            switch scan() {
            case .incomplete:
                guard buffer.count - position > maximumRowBytes else { return nil }
                if csv?.isInQuotation == true, linewiseBytes == 0 {
                    readLinewise()
                } else {
                    overlong = Array(buffer[position...position + maximumRowBytes])
                }
            case .row(_, _, .openQuotation?) where linewiseBytes == 0: readLinewise()
            case .row(let end, let next, let fault):
                if let row = take(end: end, next: next, fault: fault) { return row }
            }
        }
        return nil
    }

    /// The row as JSON: its own, or an object of its fields.
    public func json(of row: Row) throws(RowFault) -> [UInt8] {
        if let fault = row.fault { throw fault }
        if let header { return try header.json(of: row) }
        do {
            return try JSONDocument(parsing: Array(row.text)).bytes
        } catch {
            throw .notJSON(error.description)
        }
    }

    // MARK: - Steps

    /// Finds out how the rows are written, as soon as the bytes show it.
    private mutating func prepare() -> Bool {
        if isPrepared { return true }
        while position < buffer.count, buffer[position] == 0x0A || buffer[position] == 0x0D {
            if buffer[position] == 0x0A { line += 1 }
            position += 1
        }
        let firstLine = buffer[position...].prefix { $0 != 0x0A && $0 != 0x0D }
        guard firstLine.endIndex < buffer.count || isFinished || firstLine.count > maximumRowBytes else { return false }
        let format = format ?? RowFormat.detect(firstLine)
        self.format = format
        if format == .csv {
            csv = CSVScanner(separator: dialect.map(\.separator) ?? CSVHeader.separator(of: firstLine))
        }
        isPrepared = true
        return true
    }

    private mutating func scan() -> ScanResult {
        let bytes = buffer
        return bytes.withUnsafeBufferPointer { bytes in
            let rest = UnsafeBufferPointer(rebasing: bytes[position...])
            return csv?.scan(rest, isLast: isFinished) ?? lines.scan(rest, isLast: isFinished)
        }
    }

    /// A quotation that nothing closes would swallow all that follows: its first line is the fault, and the bytes that
    /// were looked through are read again line by line, once.
    ///
    /// How many bytes that are does not depend on the pieces in which the text comes.
    private mutating func readLinewise() {
        linewiseBytes = min(buffer.count - position, maximumRowBytes + 1)
        csv?.restart(linewise: true)
    }

    private mutating func take(end: Int, next: Int, fault: RowFault?) -> Row? {
        let text = buffer[position..<position + end]
        let begun = line
        line += Self.lines(in: buffer[position..<position + next])
        position += next
        linewiseBytes = max(0, linewiseBytes - next)
        let fields = csv?.fields ?? []
        csv?.restart(linewise: linewiseBytes > 0)

        guard let csv else {
            return text.contains { $0 > 0x20 } ? row(text, begun, fault, []) : nil
        }
        if fields.allSatisfy({ $0.start == $0.end }) { return nil }
        if header == nil {
            guard dialect?.hasHeader ?? true else {
                header = CSVHeader(width: fields.count, separator: csv.separator)
                return row(text, begun, fault, fields)
            }
            header = CSVHeader(row: text, fields: fields, separator: csv.separator)
            headerText = Array(text)
            return nil
        }
        return row(text, begun, fault, fields)
    }

    private mutating func row(_ text: ArraySlice<UInt8>, _ line: Int, _ fault: RowFault?, _ fields: [CSVField]) -> Row {
        rows += 1
        let isOverlong = text.count > maximumRowBytes
        return Row(
            number: rows, line: line, text: isOverlong ? text.prefix(maximumRowBytes + 1) : text,
            fault: isOverlong ? .tooLong(limit: maximumRowBytes) : fault, fields: fields)
    }

    /// Looks for the end of a row that is too long, of which only the beginning is kept.
    private mutating func finishOverlong(_ beginning: [UInt8]) -> Row? {
        let newline = buffer[position...].firstIndex(of: 0x0A)
        guard newline != nil || isFinished else {
            position = buffer.count
            return nil
        }
        position = newline.map { $0 + 1 } ?? buffer.count
        overlong = nil
        linewiseBytes = 0
        lines = LineScanner()
        csv?.restart(linewise: false)
        defer { line += 1 }
        return row(beginning[...], line, nil, [])
    }

    private static func lines(in row: ArraySlice<UInt8>) -> Int {
        row.withUnsafeBufferPointer { bytes in
            var count = 0
            var at = 0
            while let newline = bytes.firstIndex(of: 0x0A, from: at) {
                count += 1
                at = newline + 1
            }
            return count == 0 && bytes.last == 0x0D ? 1 : count
        }
    }
}
