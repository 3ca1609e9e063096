import ByteJSON
import Common
import Compression
import Demo
import Foundation

/// Reviews to be imported: recorded ones where `EARSHOT_FIXTURES` says where they are, else invented ones.
///
/// The recorded ones are repeated under new ids and times until there are enough.
struct Reviews {
    let lines: [[UInt8]]
    let mapping: JSON
    let isRecorded: Bool

    init(count: Int) throws {
        if let folder = ProcessInfo.processInfo.environment["EARSHOT_FIXTURES"] {
            let corpus = try Corpus(folder: folder + "/corpus")
            let originals = try corpus.reviews.split(separator: 0x0A).map { try JSONDocument(parsing: Array($0)).root }
            var lines: [[UInt8]] = []
            lines.reserveCapacity(count)
            for number in 0..<count {
                let original = originals[number % originals.count]
                let round = number / originals.count
                var w = JSONWriter(reservingCapacity: original.raw.count + 16)
                w.beginObject()
                for (name, value) in original.members {
                    w.key(name)
                    switch name {
                    case "review_id": w.string("\(value.string ?? "")-\(round)")
                    case "steam_id": w.string("\(value.string ?? "")-\(round)")
                    case "timestamp_created", "timestamp_updated":
                        w.integer((value.int64 ?? 0) - Int64(round) * 8 * 86_400)
                    default: w.raw(value.raw)
                    }
                }
                w.endObject()
                lines.append(w.bytes)
            }
            self.lines = lines
            isRecorded = true
            mapping = [
                "id": "review_id", "text": "review", "language": "language",
                "created_at": ["unix": "timestamp_created"],
                "updated_at": ["unix": "timestamp_updated"], "author_id": "steam_id",
            ]
        } else {
            let invented = World.generate(items: 20_000).items.filter { $0.fate == .ordinary }
            lines = (0..<count).map { number in
                let item = invented[number % invented.count]
                var w = JSONWriter()
                w.beginObject()
                w.member("id", number)
                w.member("text", item.text)
                w.member(
                    "created_at", item.time.advanced(bySeconds: Double(number / invented.count) * -691_200).description)
                w.key("author")
                w.beginObject()
                w.member("id", "\(item.author.id)-\(number / invented.count)")
                w.endObject()
                w.endObject()
                return w.bytes
            }
            isRecorded = false
            mapping = [:]
        }
    }

    var averageBytes: Double { Double(lines.reduce(0) { $0 + $1.count }) / Double(max(1, lines.count)) }
}
