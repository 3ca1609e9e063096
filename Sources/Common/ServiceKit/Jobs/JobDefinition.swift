public import ByteJSON
public import Common

/// How one kind of job is done.
public struct JobDefinition: Sendable {
    /// The kind's name, without blanks: `report`.
    public let kind: String
    /// Done one after the other. The result of a finished step is kept; it never runs twice.
    public let steps: [JobStep]
    /// Time from when a job is due to when it expires.
    public var deadline: Duration = .seconds(24 * 3600)
    /// How failures that may pass are tried again.
    public var retry = RetryPolicy()
    /// How many run at once, on all workers together.
    public var limit = 64
    /// How many run at once of one workspace.
    public var workspaceLimit = 4
    /// How many run at once that need one provider, those of other kinds counted in.
    public var providerLimit = 4
    /// How many of a process's slots they may have; nil is all.
    public var slots: Int?
    /// How long a job is kept after its end.
    public var keptFor: Duration = .seconds(30 * 86_400)
    /// What goes with the end of a job that failed or expired, in the transaction that ends it; nothing does with one that
    /// somebody cancelled. One that is tried again may end so again.
    public var onFailure: @Sendable (any DatabaseConnection, Job) throws -> Void = { _, _ in }
    /// What goes with a job that is deleted, in the same transaction.
    public var onDelete: @Sendable (any DatabaseConnection, Job) throws -> Void = { _, _ in }

    /// - Precondition: No blank in the kind; the steps' names differ.
    public init(_ kind: String, steps: [JobStep]) {
        precondition(!kind.isEmpty && !kind.contains(" "), "a kind's name has no blanks: \(kind)")
        precondition(Set(steps.map(\.name)).count == steps.count, "two steps of \(kind) with one name")
        self.kind = kind
        self.steps = steps
    }
}

/// A stage of a job, whose result is kept.
public struct JobStep: Sendable {
    public let name: String
    /// How long one attempt may take.
    public let timeout: Duration
    let run: @Sendable (JobContext) async throws -> StepResult
    let undo: (@Sendable (JobContext) async throws -> Void)?

    /// - Parameters:
    ///   - undo: Takes back what the step did, if the job ends without success. It runs for a step that was begun,
    ///     finished or not, and may run twice.
    public init(
        _ name: String, timeout: Duration = .seconds(3600),
        undo: (@Sendable (JobContext) async throws -> Void)? = nil,
        run: @escaping @Sendable (JobContext) async throws -> StepResult
    ) {
        self.name = name
        self.timeout = timeout
        self.run = run
        self.undo = undo
    }
}

/// What a step came to.
public struct StepResult: Sendable {
    /// Kept with the job, for the steps that follow: small.
    public let value: JSON
    /// Runs in the transaction that keeps the result, and not at all if the job has another owner by then.
    let record: @Sendable (any DatabaseConnection) throws -> Void

    public init(
        _ value: JSON = .null, record: @escaping @Sendable (any DatabaseConnection) throws -> Void = { _ in }
    ) {
        self.value = value
        self.record = record
    }
}
