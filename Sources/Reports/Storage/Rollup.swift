import Common

/// Which rollup row: a quarter of an hour of UTC, a sentiment.
///
/// Every offset of a zone is made of quarters, so rollups have the series of any zone.
struct RollupKey: Hashable, Comparable, Sendable {
    var workspace: Int64
    /// Where the quarter begins, in milliseconds.
    var bucket: Int64
    var sentiment: Sentiment

    /// A quarter of an hour, in milliseconds.
    static let bucketLength: Int64 = 900_000

    static func bucket(of timestamp: Int64) -> Int64 {
        timestamp.flooredQuotient(by: bucketLength) * bucketLength
    }

    static func < (left: RollupKey, right: RollupKey) -> Bool {
        (left.workspace, left.bucket, left.sentiment.code) < (right.workspace, right.bucket, right.sentiment.code)
    }
}

/// What a rollup row adds up.
struct RollupSums: Hashable, Sendable {
    var feedback: Int64 = 0
    var merged: Int64 = 0
    /// Thousandths.
    var score: Int64 = 0
    /// Thousandths on a scale from 1 to 5.
    var rating: Int64 = 0
    var ratings: Int64 = 0

    init() {}

    /// The share of one fact. A merged one counts as merged and in nothing else.
    init(_ fact: Fact) {
        if fact.isMerged {
            merged = 1
        } else {
            feedback = 1
            score = fact.score
            rating = fact.rating
            ratings = fact.rating > 0 ? 1 : 0
        }
    }

    var isZero: Bool { self == RollupSums() }

    mutating func add(_ other: RollupSums, times factor: Int64 = 1) {
        feedback += factor * other.feedback
        merged += factor * other.merged
        score += factor * other.score
        rating += factor * other.rating
        ratings += factor * other.ratings
    }
}

/// Changes of rollups, added up in memory.
struct RollupChanges: Sendable {
    private(set) var sums: [RollupKey: RollupSums] = [:]
    /// The days whose facts are others now.
    private(set) var days: Set<DayKey> = []

    mutating func add(_ fact: Fact) { count(fact, times: 1) }
    mutating func subtract(_ fact: Fact) { count(fact, times: -1) }

    private mutating func count(_ fact: Fact, times factor: Int64) {
        let key = RollupKey(
            workspace: fact.workspace, bucket: RollupKey.bucket(of: fact.timestamp), sentiment: fact.sentiment)
        sums[key, default: RollupSums()].add(RollupSums(fact), times: factor)
        days.insert(DayKey(workspace: fact.workspace, at: fact.timestamp))
    }
}

extension DatabaseConnection {
    /// Adds the changes to the rollups; a row that nothing is left of goes.
    func apply(_ changes: RollupChanges) throws {
        let rows = changes.sums.filter { !$0.value.isZero }.sorted { $0.key < $1.key }
        guard !rows.isEmpty else { return }
        let sums = ["feedback", "merged", "score_sum", "rating_sum", "rating_count"]
        let key = BulkKey("rollup", "workspace", "bucket", "sentiment")
        try write(
            BulkRows(
                Self.columns(of: rows.map(\.key)) + [
                    .integers(rows.map(\.value.feedback)), .integers(rows.map(\.value.merged)),
                    .integers(rows.map(\.value.score)), .integers(rows.map(\.value.rating)),
                    .integers(rows.map(\.value.ratings)),
                ]),
            BulkStatement(into: key.table, columns: key.columns + sums, key: key.columns, conflict: .add(sums)))
        let less = rows.filter { $0.value.feedback < 0 || $0.value.merged < 0 }.map(\.key)
        var empty: [RollupKey] = []
        try forEach(key.columns + ["feedback", "merged"], of: key, in: BulkRows(Self.columns(of: less))) { row in
            guard row.integer(3) == 0, row.integer(4) == 0 else { return }
            empty.append(
                RollupKey(
                    workspace: row.integer(0), bucket: row.integer(1), sentiment: Sentiment(code: row.integer(2))))
        }
        try delete(key, in: BulkRows(Self.columns(of: empty)))
    }

    private static func columns(of keys: [RollupKey]) -> [BulkRows.Column] {
        [
            .integers(keys.map(\.workspace)), .integers(keys.map(\.bucket)), .integers(keys.map(\.sentiment.code)),
        ]
    }
}
