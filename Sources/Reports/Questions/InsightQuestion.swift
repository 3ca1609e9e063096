import Common

/// What `GetInsightReports` was asked, checked and resolved.
struct InsightQuestion: Sendable, Hashable {
    /// What an answer can be grouped by.
    enum Grouping: String, Sendable, CaseIterable {
        case source, stream, language, sentiment, intent, topic, rating, productVersion = "product_version", platform,
            country

        /// What summaries are kept by that answers it; nil if there is nothing.
        var dimension: SummaryDimension? {
            switch self {
            case .source, .stream: .origin
            case .language: .language
            case .intent: .intent
            case .topic: .topic
            case .sentiment, .rating, .productVersion, .platform, .country: nil
            }
        }
    }

    var workspace: WorkspaceID
    var buckets: CalendarBuckets
    /// The range before, of the same length.
    var previous: Range<Int64>
    var interval: CalendarInterval
    var zone: ZoneOffsets
    var groupings: [Grouping]
    var filter: FeedbackFilter
    var comparesPrevious: Bool

    var range: Range<Int64> { buckets.range }

    /// Whether summaries of days have all that is asked for; the series may come from rollups.
    var isAnsweredBySummaries: Bool {
        filter.isAnsweredBySummaries && (buckets.isMadeOfDays || buckets.isMadeOfQuarters)
            && groupings.allSatisfy { $0 == .sentiment || $0.dimension != nil }
    }
}
