import Common
import Synchronization

/// A text that facts and rollups hold a number for. The number 0 stands for no text.
struct Word: Hashable, Sendable {
    enum Kind: Int64, Sendable, CaseIterable {
        case workspace, origin, language, intent, topic, version, platform, country
    }
    var kind: Kind
    var text: String

    init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}

/// Where feedback came in: the source's name and the stream, as one word.
struct Origin: Hashable, Sendable {
    var source: String
    var stream: String

    init(source: String, stream: String) {
        self.source = source
        self.stream = stream
    }

    init(word: String) {
        let slash = word.utf8.lastIndex(of: UInt8(ascii: "/")) ?? word.startIndex
        source = String(word[..<slash])
        stream = String(word[slash...].dropFirst())
    }

    var word: Word { Word(.origin, "\(source)/\(stream)") }
}

/// The numbers of words that were used lately. Only committed ones come in.
final class WordCache: Sendable {
    private let capacity: Int
    private let numbers = Mutex<[Word: Int64]>([:])

    init(capacity: Int) { self.capacity = capacity }

    var current: [Word: Int64] { numbers.withLock { $0 } }

    func add(_ fresh: [Word: Int64]) {
        guard !fresh.isEmpty else { return }
        numbers.withLock { numbers in
            if numbers.count + fresh.count > capacity { numbers.removeAll() }
            numbers.merge(fresh) { $1 }
        }
    }
}

/// The words during one transaction: their numbers, new words being given one.
struct WordNumbers {
    /// Nil where nothing is looked up.
    private let connection: (any DatabaseConnection)?
    private let known: [Word: Int64]
    /// What was looked up or added in this transaction.
    private(set) var fresh: [Word: Int64] = [:]
    /// Words that were asked for lately, by their kinds: the same few come again and again.
    private var recent = [[(text: String, number: Int64)]](repeating: [], count: Word.Kind.allCases.count)
    private static let remembered = 8

    /// - Parameter connection: Where words are looked up or added; nil makes every other word an error.
    init(_ connection: (any DatabaseConnection)?, known: [Word: Int64]) {
        self.connection = connection
        self.known = known
    }

    mutating func number(_ kind: Word.Kind, _ text: String?) throws -> Int64 {
        guard let text, !text.isEmpty else { return 0 }
        let kindNumber = Int(kind.rawValue)
        for place in recent[kindNumber].indices where recent[kindNumber][place].text == text {
            return recent[kindNumber][place].number
        }
        let number = try number(of: Word(kind, text))
        if recent[kindNumber].count == Self.remembered { recent[kindNumber].removeFirst() }
        recent[kindNumber].append((text, number))
        return number
    }

    mutating func number(of word: Word) throws -> Int64 {
        if let number = known[word] ?? fresh[word] { return number }
        guard let connection else { throw UnknownWord() }
        try connection.execute(
            """
            INSERT INTO word (id, kind, text)
            SELECT COALESCE(MAX(id), 0) + 1, \(word.kind.rawValue), \(word.text) FROM word WHERE 1 = 1
            ON CONFLICT (kind, text) DO NOTHING
            """)
        guard let number = try connection.number(of: word) else {
            throw DatabaseError.serializationFailure("the word \(word.text) was added by somebody else")
        }
        fresh[word] = number
        return number
    }

    /// There is no connection to look it up.
    private struct UnknownWord: Error {}
}

extension DatabaseConnection {
    /// The number of a word; nil if no feedback had it.
    func number(of word: Word) throws -> Int64? {
        try first("SELECT id FROM word WHERE kind = \(word.kind.rawValue) AND text = \(word.text)") { $0.integer(0) }
    }

    /// The texts of these numbers.
    func texts(of numbers: Set<Int64>) throws -> [Int64: String] {
        var texts: [Int64: String] = [:]
        let sorted = numbers.sorted()
        for start in stride(from: 0, to: sorted.count, by: 500) {
            let some = sorted[start..<min(start + 500, sorted.count)]
            try forEach("SELECT id, text FROM word WHERE id IN \(list: some)") { texts[$0.integer(0)] = $0.text(1) }
        }
        return texts
    }

    /// All origins by their numbers.
    func origins() throws -> [Int64: Origin] {
        var origins: [Int64: Origin] = [:]
        try forEach("SELECT id, text FROM word WHERE kind = \(Word.Kind.origin.rawValue)") {
            origins[$0.integer(0)] = Origin(word: $0.text(1))
        }
        return origins
    }
}
