public import Notices
public import ServiceKit

/// What an operator can set about reports.
public struct ReportsSettings: Sendable, Codable, Hashable {
    /// Records of the feedback topic that one transaction takes.
    public var batchSize = 4000
    /// Words (languages, topics, versions, …) whose numbers are kept in memory.
    public var cachedWords = 20_000
    /// Buckets that a series may have.
    public var maximumBuckets = 10_000
    /// Items that one page of feedback may have.
    public var maximumPage = 500
    /// Quotes in a report.
    public var quotes = 5
    /// Seconds without a change after which a day is summarised.
    public var summaryPause = 5.0
    /// Megabytes of summaries that are kept in memory for the next question.
    public var summaryCacheMegabytes = 96
    /// People who must have spoken of a topic before it can be emerging.
    public var emergingPeople = 3
    /// How far above what was to be expected an emerging topic must be, in standard deviations.
    public var emergingDeviations = 2.0

    /// Days after which feedback is forgotten, counted from its own time; nil keeps it.
    public var retentionDays: Int?
    /// Days after which facts and rollups are stored by columns, where the database can do that; nil leaves them.
    public var columnstoreDays: Int? = 90

    /// Reports of a workspace that may wait or be in the making.
    public var openReports = 200
    /// The Chromium that prints pages as PDF; nil makes no PDF.
    public var chromium: String?
    /// Where it has its files while it prints; nobody else's, for it is emptied at start.
    public var printFolder = "printing"
    /// How often a report is tried where somebody else is down or busy, and seconds before the second time, doubled each
    /// time.
    public var attempts = 8
    public var retrySeconds = 2.0
    /// How people and programs are told.
    public var notices = Notices.Settings()
    /// Seconds between two looks for schedules and alert rules whose time has come, at the most.
    public var lookSeconds = 15.0
    /// Seconds between two looks at one alert rule.
    public var alertSeconds = 300.0
    /// Seconds that a link to a file is good for.
    public var linkSeconds = 7 * 86_400.0
    /// How this process works off jobs.
    public var jobs = JobSettings()

    public init() {}
}
