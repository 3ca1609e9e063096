public import Common

/// The answer of `GetInsightReports`, by `schemas/insight-report.v1.schema.json`.
public struct InsightReport: Sendable, Codable, Hashable {
    public var workspaceID: WorkspaceID
    /// Inclusive, as the zone's clock shows it: `2021-01-01T00:00:00+05:30`.
    public var from: String
    /// Exclusive.
    public var to: String
    public var interval: CalendarInterval
    public var timezone: String
    public var totals: Totals
    public var series: [Point]
    /// By what was asked to group by.
    public var breakdowns: [String: [Share]]
    /// Most frequent first.
    public var topics: [Topic]
    public var emerging: [Emerging]
    public var quotes: [Quote]
    /// The period before, of the same length, if it was asked for.
    public var previous: Period?
    public var coverage: Coverage

    enum CodingKeys: String, CodingKey {
        case workspaceID = "workspace_id", from, to, interval, timezone, totals, series, breakdowns, topics, emerging,
            quotes, previous, coverage
    }

    /// How many of each sentiment.
    public struct Sentiments: Sendable, Codable, Hashable {
        public var negative = 0
        public var neutral = 0
        public var positive = 0

        public init(negative: Int = 0, neutral: Int = 0, positive: Int = 0) {
            self.negative = negative
            self.neutral = neutral
            self.positive = positive
        }
    }

    /// The numbers of a period.
    public struct Totals: Sendable, Codable, Hashable {
        public var feedback: Int
        /// Cross-posts, which are not counted in anything else.
        public var merged: Int
        /// Distinct people.
        public var authors: Int
        public var sentiment: Sentiments
        /// Share of positive minus share of negative, from −100 to 100; nil without feedback.
        public var netSentiment: Double?
        /// From −10 to 10; nil without feedback.
        public var averageScore: Double?
        /// On a scale from 1 to 5; nil without ratings.
        public var averageRating: Double?

        enum CodingKeys: String, CodingKey {
            case feedback, merged, authors, sentiment, netSentiment = "net_sentiment", averageScore = "average_score",
                averageRating = "average_rating"
        }
    }

    /// One bucket of the series.
    public struct Point: Sendable, Codable, Hashable {
        public var start: String
        public var feedback: Int
        public var sentiment: Sentiments
        public var averageScore: Double?

        enum CodingKeys: String, CodingKey { case start, feedback, sentiment, averageScore = "average_score" }
    }

    /// One value of a breakdown.
    public struct Share: Sendable, Codable, Hashable {
        public var value: String
        public var feedback: Int
        public var netSentiment: Double?

        enum CodingKeys: String, CodingKey { case value, feedback, netSentiment = "net_sentiment" }
    }

    /// What is talked about.
    public struct Topic: Sendable, Codable, Hashable {
        public var topic: String
        public var feedback: Int
        /// How many people talk about it.
        public var authors: Int
        public var netSentiment: Double?
        /// Feedback in the period before.
        public var previous: Int
        /// Growth over the period before: 0.5 is half as much again; nil if there was none.
        public var change: Double?

        enum CodingKeys: String, CodingKey {
            case topic, feedback, authors, netSentiment = "net_sentiment", previous, change
        }
    }

    /// A topic that many more people talk about than was to be expected.
    public struct Emerging: Sendable, Codable, Hashable {
        public var topic: String
        public var people: Int
        public var previousPeople: Int
        /// Standard deviations above what was to be expected.
        public var deviations: Double
        /// Nobody talked about it in the period before.
        public var isNew: Bool
        public var netSentiment: Double?

        enum CodingKeys: String, CodingKey {
            case topic, people, previousPeople = "previous_people", deviations, isNew = "new",
                netSentiment = "net_sentiment"
        }
    }

    /// What somebody said.
    public struct Quote: Sendable, Codable, Hashable {
        public var id: FeedbackID
        public var text: String
        public var sentimentScore: Double
        public var url: String?
        public var timestamp: Timestamp
        public var source: String
        public var topics: [String]

        enum CodingKeys: String, CodingKey {
            case id = "unique_identifier", text, sentimentScore = "sentiment_score", url, timestamp, source, topics
        }
    }

    /// A period that is compared with.
    public struct Period: Sendable, Codable, Hashable {
        public var from: String
        public var to: String
        public var totals: Totals
    }

    /// How complete the answer is.
    public struct Coverage: Sendable, Codable, Hashable {
        public var streams: [Stream]
        /// Events of the workspace that were accepted and are not in the tables yet.
        public var inFlight: Int
        /// Whether so much waits that not all of it was looked at: ``inFlight`` is the least.
        public var isMinimum = false
        /// Items of the workspace that were set aside.
        public var deadLetters: Int

        enum CodingKeys: String, CodingKey {
            case streams, inFlight = "in_flight", isMinimum = "in_flight_is_minimum", deadLetters = "dead_letters"
        }
    }

    /// How far a stream was read.
    public struct Stream: Sendable, Codable, Hashable {
        public var streamID: StreamID
        public var name: String
        public var connector: String
        public var caughtUpTo: Timestamp?
        public var status: String
        public var reason: String?

        enum CodingKeys: String, CodingKey {
            case streamID = "stream_id", name, connector, caughtUpTo = "caught_up_to", status, reason
        }
    }
}
