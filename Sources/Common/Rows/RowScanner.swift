import Glibc

/// A field of a CSV row: where it lies in the row, and what must be done to read it.
struct CSVField: Sendable, Hashable {
    enum Form: Sendable {
        /// The bytes are the value.
        case plain
        /// In quotation marks, which are not part of the value.
        case quoted
        /// In quotation marks, some inside doubled, or with something after the closing one.
        case irregular
    }
    var start: Int
    var end: Int
    var form: Form
}

/// What a scan of the bytes so far came to.
enum ScanResult {
    /// The row ends here and the next one begins there; both count from the row's beginning.
    case row(end: Int, next: Int, fault: RowFault?)
    /// More bytes are needed to know where the row ends.
    case incomplete
}

/// Finds the end of a line.
struct LineScanner: Sendable {
    private var cursor = 0

    mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool) -> ScanResult {
        if let newline = bytes.firstIndex(of: 0x0A, from: cursor) {
            cursor = 0
            let end = newline > 0 && bytes[newline - 1] == 0x0D ? newline - 1 : newline
            return .row(end: end, next: newline + 1, fault: nil)
        }
        cursor = bytes.count
        guard isLast, !bytes.isEmpty else { return .incomplete }
        cursor = 0
        return .row(end: bytes.count, next: bytes.count, fault: nil)
    }
}

/// Finds the end of a CSV row and its fields, one byte after another, and goes on where it stopped.
///
/// A quotation mark opens a quotation only at the beginning of a field, as Python's `csv` and spreadsheets have it.
/// A row ends with a line feed, a carriage return or both.
struct CSVScanner: Sendable {
    private enum State { case fieldStart, plain, quotation, afterQuotation }

    /// nil where a row is one field.
    let separator: UInt8?
    /// The fields of the row that ``scan(_:isLast:)`` found last.
    private(set) var fields: [CSVField] = []
    private var state = State.fieldStart
    private var cursor = 0
    private var field = CSVField(start: 0, end: 0, form: .plain)
    /// A quotation must end on its line: one that nothing closed was found here.
    private var isLinewise = false

    init(separator: UInt8?) { self.separator = separator }

    /// Begins the row anew, with quotations that end on their line or not.
    mutating func restart(linewise: Bool) {
        isLinewise = linewise
        let width = fields.count
        fields = []
        fields.reserveCapacity(width)
        state = .fieldStart
        cursor = 0
        field = CSVField(start: 0, end: 0, form: .plain)
    }

    /// Whether the scan stopped inside of a quotation.
    var isInQuotation: Bool { state == .quotation }

    mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool) -> ScanResult {
        // A value that no byte has stands for "no separator".
        let separator = self.separator.map(Int.init) ?? -1
        var at = cursor
        let count = bytes.count
        while true {
            switch state {
            case .fieldStart:
                guard at < count else { return stop(at, isLast, count) }
                if bytes[at] == UInt8(ascii: "\"") {
                    field.form = .quoted
                    state = .quotation
                    at += 1
                } else {
                    state = .plain
                }
            case .plain:
                while at < count {
                    let byte = bytes[at]
                    // Most bytes are above all that could end a field.
                    if byte > 0x7C || byte > 0x3B && byte < 0x7C { at += 1; continue }
                    if Int(byte) == separator || byte == 0x0A || byte == 0x0D { break }
                    at += 1
                }
                guard at < count else { return stop(at, isLast, count) }
                if Int(bytes[at]) == separator {
                    endField(at)
                    at += 1
                } else {
                    return endRow(bytes, at, isLast, fault: nil)
                }
            case .quotation:
                let closing = bytes.firstIndex(of: UInt8(ascii: "\""), from: at)
                if isLinewise, let newline = bytes.firstIndex(of: 0x0A, from: at), newline < closing ?? count {
                    return endRow(bytes, newline, isLast, fault: .openQuotation)
                }
                guard let closing else {
                    cursor = count
                    guard isLast else { return .incomplete }
                    return endRow(bytes, count, isLast, fault: .openQuotation)
                }
                at = closing + 1
                state = .afterQuotation
            case .afterQuotation:
                guard at < count else { return stop(at, isLast, count) }
                let byte = bytes[at]
                if byte == UInt8(ascii: "\"") {
                    field.form = .irregular
                    state = .quotation
                    at += 1
                } else if Int(byte) == separator {
                    endField(at)
                    at += 1
                } else if byte == 0x0A || byte == 0x0D {
                    return endRow(bytes, at, isLast, fault: nil)
                } else {
                    field.form = .irregular
                    state = .plain
                }
            }
        }
    }

    private mutating func endField(_ at: Int) {
        field.end = at
        fields.append(field)
        field = CSVField(start: at + 1, end: at + 1, form: .plain)
        state = .fieldStart
    }

    /// The bytes are used up outside of a quotation.
    private mutating func stop(_ at: Int, _ isLast: Bool, _ count: Int) -> ScanResult {
        cursor = at
        guard isLast, count > 0 else { return .incomplete }
        endField(at)
        cursor = 0
        return .row(end: at, next: at, fault: nil)
    }

    private mutating func endRow(
        _ bytes: UnsafeBufferPointer<UInt8>, _ at: Int, _ isLast: Bool, fault: RowFault?
    ) -> ScanResult {
        var next = min(at + 1, bytes.count)
        if at < bytes.count, bytes[at] == 0x0D {
            if next == bytes.count, !isLast {  // a line feed may follow
                cursor = at
                return .incomplete
            }
            if next < bytes.count, bytes[next] == 0x0A { next += 1 }
        }
        endField(at)
        cursor = 0
        return .row(end: at, next: next, fault: fault)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Where a byte first occurs from `start` on.
    func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        guard let baseAddress, start < count, let found = memchr(baseAddress + start, Int32(byte), count - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - UnsafeRawPointer(baseAddress)
    }
}
