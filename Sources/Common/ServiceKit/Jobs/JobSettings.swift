/// How a process works off jobs.
public struct JobSettings: Sendable, Codable, Hashable {
    /// Jobs that run at once in this process.
    public var slots = 4
    /// Seconds after which a job is taken from a worker that gives no sign of life.
    public var lease = 30.0
    /// Seconds between two looks into the table where something is in line that cannot be taken up yet, on average; ten
    /// times as many where nothing is. What is requested rings a bell, and what is due has its time.
    public var poll = 1.0
    /// Seconds that a step has to stop when it is told to.
    public var grace = 10.0
    /// Whether no other process works on the database: what is RUNNING at the start was another one's, which is gone, and
    /// its lease need not be waited for.
    public var isAlone = false

    public init() {}
}
