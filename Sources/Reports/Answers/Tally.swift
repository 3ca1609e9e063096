import Common

/// Feedback counted.
struct Tally: Hashable, Sendable {
    var sums = RollupSums()
    var sentiments = InsightReport.Sentiments()

    mutating func add(_ sums: RollupSums, _ sentiment: Sentiment) {
        self.sums.add(sums)
        switch sentiment {
        case .negative: sentiments.negative += Int(sums.feedback)
        case .neutral: sentiments.neutral += Int(sums.feedback)
        case .positive: sentiments.positive += Int(sums.feedback)
        }
    }

    mutating func add(_ other: Tally) {
        sums.add(other.sums)
        sentiments.negative += other.sentiments.negative
        sentiments.neutral += other.sentiments.neutral
        sentiments.positive += other.sentiments.positive
    }

    var feedback: Int { Int(sums.feedback) }

    /// Share of positive minus share of negative, from −100 to 100, to one decimal.
    var netSentiment: Double? {
        guard feedback > 0 else { return nil }
        return (Double(sentiments.positive - sentiments.negative) / Double(feedback) * 1000).rounded() / 10
    }

    /// From −10 to 10, to three decimals.
    var averageScore: Double? { feedback > 0 ? (Double(sums.score) / Double(feedback)).rounded() / 1000 : nil }

    /// From 1 to 5, to three decimals.
    var averageRating: Double? {
        sums.ratings > 0 ? (Double(sums.rating) / Double(sums.ratings)).rounded() / 1000 : nil
    }
}

/// All that is counted for one period. Values are numbers of words, or codes.
struct Numbers: Hashable, Sendable {
    var totals = Tally()
    var series: [Tally]
    /// For each grouping; source and stream are both kept by origin.
    var breakdowns: [InsightQuestion.Grouping: [Int64: Tally]] = [:]
    var topics: [Int64: Tally] = [:]

    init(buckets: Int) { series = Array(repeating: Tally(), count: buckets) }
}
