public import Common

/// An event log to be put to the test: how it is opened, and opened again.
public struct LogBench: Sendable {
    /// Opens the log; called again after ``close``, it opens the same data.
    public let open: @Sendable () async throws -> any EventLog
    /// Closes a log that ``open`` gave.
    public let close: @Sendable (any EventLog) async throws -> Void
    /// Begins the names of all topics and groups, so that benches can share a broker.
    public let prefix: String
    /// Largest record that the log takes.
    public let largestRecord: Int
    /// How long members of a group may take to agree on who has what.
    public let settling: Duration
    /// Makes topics where the log itself cannot.
    public let prepare: @Sendable ([Topic]) async throws -> Void

    public init(
        prefix: String, largestRecord: Int, settling: Duration = .zero,
        prepare: @escaping @Sendable ([Topic]) async throws -> Void = { _ in },
        open: @escaping @Sendable () async throws -> any EventLog,
        close: @escaping @Sendable (any EventLog) async throws -> Void
    ) {
        self.prefix = prefix
        self.largestRecord = largestRecord
        self.settling = settling
        self.prepare = prepare
        self.open = open
        self.close = close
    }

    /// How long to wait until nothing more is to be expected.
    func patience(_ least: Duration) -> Duration { max(least, settling) }

    /// Makes topics in an open log.
    func create(_ topics: [Topic], in log: any EventLog) async throws {
        try await prepare(topics)
        try await log.create(topics)
    }

    /// A topic of this bench.
    func topic(_ name: String = "events", _ retention: Topic.Retention = .days(7), partitions: Int = 4) -> Topic {
        Topic(name: "\(prefix).\(name)", retention: retention, partitions: partitions)
    }

    /// A group of this bench.
    func group(_ name: String = "readers") -> ConsumerGroup { ConsumerGroup("\(prefix).\(name)") }

    /// Opens the log, makes `topics`, runs `body` and closes the log.
    @discardableResult
    func with<Value: Sendable>(_ topics: Topic..., body: (any EventLog) async throws -> Value) async throws -> Value {
        let log = try await open()
        do {
            try await create(topics, in: log)
            let value = try await body(log)
            try await close(log)
            return value
        } catch {
            try? await close(log)
            throw error
        }
    }
}

/// What not every log, or not every stand-in for one, can do at a test's bidding.
public enum LogAbility: String, Sendable {
    case checksRetention = "tells how a topic is kept"
    case removesAtOnce = "removes old records when it is told to"
    case compactsAtOnce = "compacts when it is told to, not when it sees fit"
    case rebalancesSoon = "lets many members come and go within seconds"
    case neverReadsAhead = "holds nothing in advance that a consumer has not asked for"
}

/// One thing that an event log must do.
public struct LogBehaviour: Sendable, CustomStringConvertible {
    /// What it is, as a sentence.
    public let description: String
    /// What the log under test must be able to do for the test to show anything.
    public let needs: Set<LogAbility>
    private let body: @Sendable (LogBench) async throws -> Void

    init(
        _ description: String, needs: Set<LogAbility> = [],
        _ body: @escaping @Sendable (LogBench) async throws -> Void
    ) {
        self.description = description
        self.needs = needs
        self.body = body
    }

    /// Puts a log to the test; issues are recorded in the test that calls it.
    public func check(_ bench: LogBench) async throws { try await body(bench) }
}

/// What an event log is: every backend does all of this.
///
/// ```swift
/// @Test("keeps the contract", arguments: EventLogConformance.behaviours)
/// func contract(behaviour: LogBehaviour) async throws { try await behaviour.check(bench) }
/// ```
public enum EventLogConformance {
    public static let behaviours: [LogBehaviour] =
        appending + reading + consuming + sharing + cleaning + lasting
}
