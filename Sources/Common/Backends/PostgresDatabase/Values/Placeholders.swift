/// Turns the question marks of the contract into PostgreSQL's numbers.
enum Placeholders {
    /// - Returns: The text with `$1`, `$2` …, and how many there are. Marks in quotes and comments stay.
    static func numbered(_ text: String) -> (text: String, count: Int) {
        guard text.utf8.contains(UInt8(ascii: "?")) else { return (text, 0) }
        var result: [UInt8] = []
        var count = 0
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let end = skipped(bytes, index)
            if end > index {
                result += bytes[index..<end]
                index = end
            } else {
                if bytes[index] == UInt8(ascii: "?") {
                    count += 1
                    result += "$\(count)".utf8
                } else {
                    result.append(bytes[index])
                }
                index += 1
            }
        }
        return (String(decoding: result, as: UTF8.self), count)
    }

    /// Whether something other than space follows a semicolon, as in the text of a migration.
    static func holdsSeveralStatements(_ text: String) -> Bool {
        guard let semicolon = text.utf8.firstIndex(of: UInt8(ascii: ";")) else { return false }
        return text.utf8[semicolon...].contains { $0 > 0x20 && $0 != UInt8(ascii: ";") }
    }

    /// Where the quoted text or comment that begins here ends; `start` if there is none.
    private static func skipped(_ bytes: [UInt8], _ start: Int) -> Int {
        let first = bytes[start]
        let second = start + 1 < bytes.count ? bytes[start + 1] : 0
        if first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") {
            let close = bytes[(start + 1)...].firstIndex(of: first) ?? bytes.count - 1
            return close + 1
        }
        if first == UInt8(ascii: "-"), second == UInt8(ascii: "-") {
            return bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        }
        return start
    }
}
