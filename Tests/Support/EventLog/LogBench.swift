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

    public init(
        prefix: String, largestRecord: Int, open: @escaping @Sendable () async throws -> any EventLog,
        close: @escaping @Sendable (any EventLog) async throws -> Void
    ) {
        self.prefix = prefix
        self.largestRecord = largestRecord
        self.open = open
        self.close = close
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
            try await log.create(topics)
            let value = try await body(log)
            try await close(log)
            return value
        } catch {
            try? await close(log)
            throw error
        }
    }
}

/// One thing that an event log must do.
public struct LogBehaviour: Sendable, CustomStringConvertible {
    /// What it is, as a sentence.
    public let description: String
    private let body: @Sendable (LogBench) async throws -> Void

    init(_ description: String, _ body: @escaping @Sendable (LogBench) async throws -> Void) {
        self.description = description
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
