import Common

/// The dates in a PDF of Chromium, which would make each print of one page another file.
enum PDFDates {
    private static let names = ["/CreationDate (D:", "/ModDate (D:"].map { Array($0.utf8) }

    /// Sets when the document was made. No byte moves, so the table of where its parts are stays true.
    ///
    /// Texts cannot be taken for a date: a parenthesis in them has a backslash before it, and what is on the pages is
    /// compressed.
    static func set(_ time: Timestamp, in bytes: inout [UInt8]) {
        let digits = Array(time.description.utf8.filter { (0x30...0x39).contains($0) }.prefix(14))
        guard digits.count == 14 else { return }
        for name in names {
            var at = 0
            while let found = bytes[at...].firstRange(of: name) {
                at = found.upperBound
                let date = at..<min(at + 14, bytes.count)
                if date.count == 14, bytes[date].allSatisfy({ (0x30...0x39).contains($0) }) {
                    bytes.replaceSubrange(date, with: digits)
                }
            }
        }
    }
}
