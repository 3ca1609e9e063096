import Common
import Foundation

/// The two ways in which a stream is read, each with a cursor of its own.
enum Lane: String, Sendable, Hashable, CaseIterable {
    /// What is new.
    case live
    /// What was there before, window by window, whenever nothing new waits.
    case backfill
}

/// Where one lane of a stream is: a cursor for each source of the connector, and what the lane is to read.
struct LaneCursor: Sendable, Hashable, Codable {
    /// Version of this form.
    static let version = 1

    var v = LaneCursor.version
    var sources: [String: SourceCursor] = [:]
    /// What a backfill reads; nil in the live lane.
    var range: BackfillRange?
    var isDone = false
    /// What the cursor is of: a digest of the stream's entity and the connection's settings.
    var target: String?

    /// - Throws: ``CursorError`` for a form that this program does not know.
    init(decoding text: String) throws {
        let decoder = JSONDecoder()
        let data = Data(text.utf8)
        let found = try decoder.decode(Version.self, from: data).v
        guard found == LaneCursor.version else { throw CursorError(found: found) }
        self = try decoder.decode(LaneCursor.self, from: data)
    }

    init(range: BackfillRange? = nil, target: String? = nil) {
        self.range = range
        self.target = target
    }

    /// Whether it was made while something else was read: then it says nothing about this.
    func isOfAnother(than target: String) -> Bool { self.target.map { $0 != target } ?? false }

    /// Equal cursors are equal texts.
    func encoded() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    private struct Version: Decodable { var v: Int }
}

/// A cursor was written by another version of the program.
struct CursorError: Error, CustomStringConvertible {
    let found: Int
    var description: String {
        "a checkpoint has version \(found), this program knows \(LaneCursor.version): install the newer program"
    }
}

/// What a backfill reads.
struct BackfillRange: Sendable, Hashable, Codable {
    var from: Timestamp
    var to: Timestamp
    /// Whether what was read before is to be read once more.
    var again: Bool
}

/// Where one source of a stream is.
struct SourceCursor: Sendable, Hashable, Codable {
    /// Everything up to here was read; at it, and within the overlap before it, ``seen`` says what.
    var position: ReadPosition?
    var seen = SeenItems()
    /// A pass that has not come to its end.
    var pass: Pass?
    /// When the last pass that came to its end began.
    var completedAt: Timestamp?
    var tag: EntityTag?
    /// Windows that could not be made shorter, in which the provider has more than it shows.
    var cutWindows = 0
    var nested: [String: SourceCursor] = [:]
}

/// A pass over a source that is under way.
struct Pass: Sendable, Hashable, Codable {
    var begunAt: Timestamp
    var next: Continuation = .first
    var pages = 0
    /// The highest position met.
    var highest: ReadPosition?
    /// The position that the request asks from; ascending sources.
    var base: ReadPosition?
    /// Pages were followed from ``base`` on, and something unread was on them: read once more before going on.
    var isChained = false
    var foundInChain = false
    var repeats = 0
    /// Windows that are still to be read; the first is being read.
    var windows: [Window] = []

    /// Asks for the first page once more.
    mutating func restart() {
        next = .first
        isChained = false
        foundInChain = false
    }
}

/// A slice of time.
struct Window: Sendable, Hashable, Codable {
    var from: Timestamp
    var to: Timestamp
    var seconds: Int { Int((to.milliseconds - from.milliseconds) / 1000) }

    /// Slices of at most so many seconds, oldest first.
    func sliced(by seconds: Int) -> [Window] {
        let step = Int64(max(1, seconds)) * 1000
        return stride(from: from.milliseconds, to: to.milliseconds, by: Int64.Stride(step)).map { start in
            Window(
                from: Timestamp(milliseconds: start), to: Timestamp(milliseconds: min(start + step, to.milliseconds)))
        }
    }

    /// Its halves, the newer one first.
    var halves: [Window] {
        let middle = Timestamp(milliseconds: (from.milliseconds + to.milliseconds) / 2)
        return [Window(from: middle, to: to), Window(from: from, to: middle)]
    }
}

/// Which page of a request comes next.
enum Continuation: Sendable, Hashable {
    case first
    case page(Int)
    case key(String)
    case token(String)
    case ids(next: [String], rest: [String])
    /// An address of the provider's. It is never stored, as some providers put the access token into it.
    case address(String)
}

extension Continuation: Codable {
    private enum CodingKeys: String, CodingKey { case page, key, token }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let page = try container.decodeIfPresent(Int.self, forKey: .page) {
            self = .page(page)
        } else if let key = try container.decodeIfPresent(String.self, forKey: .key) {
            self = .key(key)
        } else if let token = try container.decodeIfPresent(String.self, forKey: .token) {
            self = .token(token)
        } else {
            self = .first
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .page(let page): try container.encode(page, forKey: .page)
        case .key(let key): try container.encode(key, forKey: .key)
        case .token(let token): try container.encode(token, forKey: .token)
        case .first, .ids, .address: break
        }
    }
}

/// What the provider calls the state of its first page.
struct EntityTag: Sendable, Hashable, Codable {
    var value: String
    /// Digest of the address that it is of.
    var address: String
}
