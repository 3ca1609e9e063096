import ByteJSON
import Common

extension World {
    /// The app-store reviews as a file: JSON Lines in the shape of an entry of Apple's customer-review feed.
    public func storeFile() -> [UInt8] {
        var w = JSONWriter()
        for item in items where item.channel == .store {
            if item.fate == .malformed(.brokenRow) {
                var line = JSONWriter()
                Self.write(review: item, to: &line)
                w = JSONWriter(appendingTo: w.bytes + line.bytes.prefix(line.bytes.count / 2))
            } else {
                Self.write(review: item, to: &w)
            }
            w.newline()
        }
        return w.bytes
    }

    private static func write(review item: WorldItem, to w: inout JSONWriter) {
        w.beginObject()
        w.label("id", String(item.externalID))
        w.label("updated", item.time.description)
        if item.fate != .malformed(.missingPart) { w.label("im:rating", String(item.rating ?? 3)) }
        w.label("im:version", item.version)
        w.key("author")
        w.beginObject()
        w.label("uri", "https://apps.example/reviewer/\(item.author.id)")
        w.label("name", item.author.handle)
        w.endObject()
        w.label("title", item.title)
        w.label("content", item.text)
        w.endObject()
    }

    /// The survey's answers as a CSV file with a header row.
    public func surveyFile() -> [UInt8] {
        var text = "response_id,submitted_at,score,comment,name,email,language\r\n"
        for item in items where item.channel == .survey {
            let submitted = item.fate == .malformed(.missingPart) ? "the day before" : item.time.description
            let cells = [
                "r\(item.externalID)", submitted, String(item.rating ?? 5), item.text, item.author.name,
                item.author.email, item.language,
            ]
            text += cells.map(Self.quoted).joined(separator: ",") + "\r\n"
        }
        return Array(text.utf8)
    }

    private static func quoted(_ cell: String) -> String {
        guard cell.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return cell }
        return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

extension JSONWriter {
    fileprivate mutating func label(_ name: String, _ value: String) {
        key(name)
        beginObject()
        member("label", value)
        endObject()
    }
}
