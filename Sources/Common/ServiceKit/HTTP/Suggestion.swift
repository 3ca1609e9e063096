/// Finds what somebody may have meant.
public enum Suggestion {
    /// The candidate nearest to the word, if one is near enough to be a slip of the pen.
    public static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        candidates.map { ($0, distance(word.lowercased(), $0.lowercased())) }
            .filter { $0.1 <= max(1, min(3, $0.0.count / 3)) }
            .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    /// How many bytes must be inserted, removed, changed or swapped with a neighbour to make one of the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.utf8.prefix(64)), b = Array(right.utf8.prefix(64))
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], before[j - 2] + 1) }
            }
            before = last
            last = row
        }
        return last[b.count]
    }

    /// ` (did you mean `x`?)`, or what there is.
    public static func hint(for word: String, among candidates: [String]) -> String {
        if let near = nearest(to: word, among: candidates) { return "did you mean `\(near)`?" }
        return candidates.isEmpty ? "there are none here" : "known are \(candidates.sorted().joined(separator: ", "))"
    }
}
