public import ByteJSON
public import Common

/// A durable unit of work, as it is in the table.
public struct Job: Sendable {
    public let id: JobID
    /// What kind of work: the name of a ``JobDefinition``.
    public let kind: String
    /// Whose work it is; nil is the operator's.
    public let workspace: WorkspaceID?
    /// What the work needs to know.
    public let payload: JSON
    /// From 0 to 9; within a workspace the higher goes first.
    public let priority: Int
    /// Whom it needs outside; see ``JobRequest/provider``.
    public let provider: String?
    public internal(set) var phase: JobPhase
    /// Why it is where it is.
    public internal(set) var reason: String?
    /// How often it was tried, this attempt included.
    public internal(set) var attempt: Int
    /// Not before this time.
    public internal(set) var due: Timestamp
    /// When it expires.
    public internal(set) var deadline: Timestamp
    /// From 0 to 1.
    public internal(set) var progress: Double
    /// What it is doing, for a person.
    public internal(set) var note: String?
    /// Who has it.
    public internal(set) var worker: String?
    public internal(set) var leaseEnds: Timestamp?
    public let requestedAt: Timestamp
    public internal(set) var startedAt: Timestamp?
    /// When its worker took it up, until that stands in ``lines``: a claim is to write as little as it can.
    var takenAt: Timestamp?
    public internal(set) var endedAt: Timestamp?
    /// What happened to it, a line each.
    var lines: String
    /// What happened to it, the oldest first.
    public var history: [JobTransition] { JobTransition.read(lines) + [takenUp].compactMap(\.self) }
    /// Grows with every change of owner: who holds an older one writes nothing.
    var fence: Int64
    /// A key that lasts as long as the job is open.
    var keyEnds: Bool

    public var state: JobState { phase.state }

    /// That its worker took it up, where ``lines`` do not say so.
    var takenUp: JobTransition? {
        takenAt.map { JobTransition(at: $0, state: .running, reason: "taken up by \(worker ?? "?")") }
    }

    /// Whether it is on its way to an end, and what it did is being undone.
    public var isUndoing: Bool { phase.ending != nil }

    /// The job as its new owner has it.
    func taken(by worker: String, leaseEnds: Timestamp, at now: Timestamp) -> Job {
        var job = self
        job.phase = phase.after(.claimed, undoing: false) ?? phase
        job.attempt += 1
        job.fence += 1
        job.worker = worker
        job.leaseEnds = leaseEnds
        job.startedAt = startedAt ?? now
        job.takenAt = now
        return job
    }
}

/// A step of a job from one state to another.
public struct JobTransition: Sendable, Hashable {
    public let at: Timestamp
    public let state: JobState
    public let reason: String

    /// As one line of the table.
    var line: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("at", at.description)
        writer.member("state", state.rawValue)
        writer.member("reason", reason)
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }

    static func read(_ lines: String) -> [JobTransition] {
        lines.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let root = try? JSONDocument(parsing: Array(line)).root,
                let at = root["at"]?.string.flatMap({ Timestamp($0) }),
                let state = root["state"]?.string.flatMap(JobState.init(rawValue:))
            else { return nil }
            return JobTransition(at: at, state: state, reason: root["reason"]?.string ?? "")
        }
    }
}

/// A job to be put in line.
public struct JobRequest: Sendable {
    public var kind: String
    public var workspace: WorkspaceID?
    public var payload: JSON
    public var priority = 5
    /// Whom it needs outside, without blanks: a host. So many jobs at once use one provider, and while it fails its
    /// jobs wait, without costing attempts; see ``ProviderBreaker``.
    public var provider: String?
    /// Not before this time; nil is now.
    public var due: Timestamp?
    /// Time from ``due`` to the deadline; nil is what the kind has.
    public var deadline: Duration?
    public var key: Key?
    /// Steps whose compensation holds from the start, because the transaction that requests the job does their part: the
    /// records of a thing whose set-up is the job.
    public var begun: [String] = []

    /// What makes a job the only one of its kind and workspace.
    public enum Key: Sendable, Hashable {
        /// As long as the job is kept: the same request sent twice is one job.
        case once(String)
        /// As long as the job is open.
        case whileOpen(String)
    }

    public init(_ kind: String, workspace: WorkspaceID?, payload: JSON = [:]) {
        self.kind = kind
        self.workspace = workspace
        self.payload = payload
    }
}
