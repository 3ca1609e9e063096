/// Where a job is. `docs/jobs.md` draws it; ``JobPhase/after(_:undoing:)`` is the drawing.
public enum JobState: String, Sendable, Hashable, CaseIterable {
    /// It waits: for a worker, for its time, or for another attempt.
    case requested = "REQUESTED"
    case running = "RUNNING"
    case completed = "COMPLETED"
    case failed = "FAILED"
    case cancelled = "CANCELLED"
    /// It was not done by its deadline.
    case expired = "EXPIRED"

    /// Whether nothing happens to it any more, unless somebody has it tried again.
    public var isEnd: Bool { self != .requested && self != .running }
}

/// What can happen to a job.
public enum JobEvent: Sendable, Hashable, CaseIterable {
    /// A worker took it.
    case claimed
    /// The attempt is over and another one follows: a failure that may pass, a lost worker, a shutdown.
    case interrupted
    /// Its last step is done.
    case finished
    /// It failed, and trying again would not help.
    case failed
    case cancelled
    /// Its deadline passed.
    case expired
    /// What its steps did is undone, or cannot be.
    case undone
    /// Somebody wants it tried again.
    case retried
}

/// The state machine of a job, as a value.
public struct JobPhase: Sendable, Hashable {
    public var state: JobState
    /// The end that it is on the way to while what its steps did is undone; nil otherwise.
    public var ending: JobState?

    public init(_ state: JobState, ending: JobState? = nil) {
        self.state = state
        self.ending = ending
    }

    /// Where the job is after something has happened.
    ///
    /// - Parameter undoing: Whether its steps did something that must be undone before it ends without success.
    /// - Returns: nil if this cannot happen to a job that is here.
    public func after(_ event: JobEvent, undoing: Bool) -> JobPhase? {
        switch (state, event) {
        case (.requested, .claimed): JobPhase(.running, ending: ending)
        case (.running, .interrupted): JobPhase(.requested, ending: ending)
        case (.running, .finished) where ending == nil: JobPhase(.completed)
        case (.running, .failed) where ending == nil: end(.failed, undoing)
        case (.requested, .cancelled) where ending == nil, (.running, .cancelled) where ending == nil:
            end(.cancelled, undoing)
        case (.requested, .expired) where ending == nil, (.running, .expired) where ending == nil:
            end(.expired, undoing)
        case (.requested, .undone), (.running, .undone): ending.map { JobPhase($0) }
        case (.failed, .retried), (.cancelled, .retried), (.expired, .retried): JobPhase(.requested)
        default: nil
        }
    }

    private func end(_ end: JobState, _ undoing: Bool) -> JobPhase {
        undoing ? JobPhase(state, ending: end) : JobPhase(end)
    }
}
