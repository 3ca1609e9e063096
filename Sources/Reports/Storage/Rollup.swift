import Common

/// What rollups are kept by.
enum RollupDimension: Int64, Sendable, CaseIterable { case origin, topic, language, intent }

/// Which rollup row: an hour of UTC, a value of a dimension, a sentiment.
struct RollupKey: Hashable, Comparable, Sendable {
    var workspace: Int64
    var dimension: RollupDimension
    /// Where the hour begins, in milliseconds.
    var bucket: Int64
    var value: Int64
    var sentiment: Sentiment

    /// An hour, in milliseconds. Where a zone is not whole hours off UTC, the facts answer.
    static let bucketLength: Int64 = 3_600_000

    static func bucket(of timestamp: Int64) -> Int64 {
        timestamp.flooredQuotient(by: bucketLength) * bucketLength
    }

    static func < (left: RollupKey, right: RollupKey) -> Bool {
        (left.workspace, left.dimension.rawValue, left.bucket, left.value, left.sentiment.code)
            < (right.workspace, right.dimension.rawValue, right.bucket, right.value, right.sentiment.code)
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

    mutating func add(_ fact: Fact) { count(fact, times: 1) }
    mutating func subtract(_ fact: Fact) { count(fact, times: -1) }

    private mutating func count(_ fact: Fact, times factor: Int64) {
        let share = RollupSums(fact)
        var key = RollupKey(
            workspace: fact.workspace, dimension: .origin, bucket: RollupKey.bucket(of: fact.timestamp),
            value: fact.origin, sentiment: fact.sentiment)
        sums[key, default: RollupSums()].add(share, times: factor)
        key.dimension = .language
        key.value = fact.language
        sums[key, default: RollupSums()].add(share, times: factor)
        key.dimension = .intent
        key.value = fact.intent
        sums[key, default: RollupSums()].add(share, times: factor)
        key.dimension = .topic
        for topic in fact.topics {
            key.value = topic
            sums[key, default: RollupSums()].add(share, times: factor)
        }
    }
}

extension DatabaseConnection {
    /// Adds the changes to the rollups; a row that nothing is left of goes.
    func apply(_ changes: RollupChanges) throws {
        let rows = changes.sums.filter { !$0.value.isZero }.sorted { $0.key < $1.key }
        guard !rows.isEmpty else { return }
        let sums = ["feedback", "merged", "score_sum", "rating_sum", "rating_count"]
        let key = ["workspace", "dimension", "bucket", "value", "sentiment"]
        try write(
            BulkRows([
                .integers(rows.map(\.key.workspace)), .integers(rows.map(\.key.dimension.rawValue)),
                .integers(rows.map(\.key.bucket)), .integers(rows.map(\.key.value)),
                .integers(rows.map(\.key.sentiment.code)), .integers(rows.map(\.value.feedback)),
                .integers(rows.map(\.value.merged)), .integers(rows.map(\.value.score)),
                .integers(rows.map(\.value.rating)), .integers(rows.map(\.value.ratings)),
            ]),
            BulkStatement(into: "rollup", columns: key + sums, key: key, conflict: .add(sums)))
        for (key, change) in rows where change.feedback < 0 || change.merged < 0 {
            try execute(
                """
                DELETE FROM rollup
                WHERE workspace = \(key.workspace) AND dimension = \(key.dimension.rawValue) AND bucket = \(key.bucket)
                    AND value = \(key.value) AND sentiment = \(key.sentiment.code) AND feedback = 0 AND merged = 0
                """)
        }
    }
}
