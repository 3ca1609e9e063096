/// Finds many phrases in one pass: an Aho-Corasick automaton over folded bytes.
///
/// A phrase is whole words, `word*` any word that starts so, `~word` a hint of which two are needed. Phrases in
/// scripts without spaces match anywhere.
struct PhraseMatcher: Sendable {
    /// What a phrase speaks for, and how loudly.
    struct Vote: Sendable, Equatable {
        var subject: UInt8
        var weight: UInt8
        /// Which phrase it was: each counts once.
        var phrase: UInt16
    }

    /// What a hint counts, and what a subject needs.
    static let needed: UInt8 = 2

    /// Column of each byte in the table.
    private let columns: [UInt8]
    private let columnCount: Int
    /// Next state by state and column; the highest bit tells that the state has votes.
    private let table: [UInt32]
    /// Votes of a state: from its index to that of the next.
    private let voteStarts: [UInt32]
    private let votes: [Vote]

    private static let hasVotes: UInt32 = 1 << 31

    /// Compiles phrases, parted by commas or line ends, for each subject in turn.
    init(_ subjects: [String]) {
        var phrases: [(bytes: [UInt8], vote: Vote)] = []
        for (subject, list) in subjects.enumerated() {
            for entry in list.split(whereSeparator: { $0 == "," || $0 == "\n" }) {
                guard let (bytes, weight) = Self.compile(entry) else { continue }
                phrases.append(
                    (
                        bytes,
                        Vote(subject: UInt8(subject), weight: weight, phrase: UInt16(truncatingIfNeeded: phrases.count))
                    ))
            }
        }
        var columns = [UInt8](repeating: 0, count: 256)
        var columnCount = 1
        for (bytes, _) in phrases {
            for byte in bytes where columns[Int(byte)] == 0 {
                columns[Int(byte)] = UInt8(columnCount)
                columnCount += 1
            }
        }
        var trie = Trie(columnCount: columnCount)
        for (bytes, vote) in phrases { trie.insert(bytes.map { Int(columns[Int($0)]) }, vote) }
        trie.link()
        self.columns = columns
        self.columnCount = columnCount
        var starts: [UInt32] = []
        var votes: [Vote] = []
        for own in trie.votes {
            starts.append(UInt32(votes.count))
            votes.append(contentsOf: own)
        }
        starts.append(UInt32(votes.count))
        voteStarts = starts
        self.votes = votes
        table = trie.next.map { $0 | (trie.votes[Int($0)].isEmpty ? 0 : Self.hasVotes) }
    }

    /// A phrase as bytes to look for, with the spaces that bound it.
    private static func compile(_ entry: Substring) -> (bytes: [UInt8], weight: UInt8)? {
        var words = Array(entry.utf8)
        while words.first == 0x20 { words.removeFirst() }
        while words.last == 0x20 { words.removeLast() }
        let isHint = words.first == UInt8(ascii: "~")
        if isHint { words.removeFirst() }
        let isPrefix = words.last == UInt8(ascii: "*")
        if isPrefix { words.removeLast() }
        guard !words.isEmpty else { return nil }
        var folded: [UInt8] = words.withUnsafeBufferPointer { text in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FoldedText.limit) { output in
                let count = FoldedText.fold(text, into: output)
                return Array(output[..<count])
            }
        }
        let isSpaced = words.withUnsafeBufferPointer { text in
            switch Scalars.classify(Scalars.decode(text, at: 0).scalar) {
            case .ideograph, .unspaced, .hangul: false
            default: true
            }
        }
        if isPrefix || !isSpaced { folded.removeLast() }
        if !isSpaced { folded.removeFirst() }
        return (folded, isHint ? 1 : needed)
    }

    /// Calls the body for each phrase that ends in the folded text, in order, repeats included.
    @inline(__always)
    func forEachVote(in text: UnsafeBufferPointer<UInt8>, _ body: (Vote) -> Void) {
        columns.withUnsafeBufferPointer { columns in
            table.withUnsafeBufferPointer { table in
                var state = 0
                for byte in text {
                    let entry = table[state * columnCount + Int(columns[Int(byte)])]
                    state = Int(entry & ~Self.hasVotes)
                    if entry & Self.hasVotes != 0 {
                        for index in voteStarts[state]..<voteStarts[state + 1] { body(votes[Int(index)]) }
                    }
                }
            }
        }
    }
}

/// The automaton while it is built.
private struct Trie {
    let columnCount: Int
    var next: [UInt32]
    var votes: [[PhraseMatcher.Vote]] = [[]]

    init(columnCount: Int) {
        self.columnCount = columnCount
        next = [UInt32](repeating: 0, count: columnCount)
    }

    mutating func insert(_ path: [Int], _ vote: PhraseMatcher.Vote) {
        var state = 0
        for column in path {
            if next[state * columnCount + column] == 0 {
                next[state * columnCount + column] = UInt32(votes.count)
                votes.append([])
                next.append(contentsOf: repeatElement(0, count: columnCount))
            }
            state = Int(next[state * columnCount + column])
        }
        votes[state].append(vote)
    }

    /// Fills in where each state goes on, breadth first, and what else ends there.
    mutating func link() {
        var fallback = [Int](repeating: 0, count: votes.count)
        var queue = (0..<columnCount).compactMap { next[$0] == 0 ? nil : Int(next[$0]) }
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            votes[state].append(contentsOf: votes[fallback[state]])
            for column in 0..<columnCount {
                let index = state * columnCount + column
                let onward = Int(next[fallback[state] * columnCount + column])
                if next[index] == 0 {
                    next[index] = UInt32(onward)
                } else {
                    fallback[Int(next[index])] = onward
                    queue.append(Int(next[index]))
                }
            }
        }
    }
}
