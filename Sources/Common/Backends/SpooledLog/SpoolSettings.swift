public import Common

/// What a spool holds, and when it is used.
public struct SpoolSettings: Sendable, Hashable {
    /// The topic whose records may wait in the spool; all others go to the log, or nowhere.
    public var topic: Topic
    /// A topic of one partition that a process must know before it can serve; a copy of it is kept beside the spool, so
    /// that a process can begin while the log is away.
    public var copied: Topic?
    /// Bytes of keys, headers and values that may wait; beyond them an append is refused.
    public var maximumBytes = 1 << 30
    /// Largest record that the log takes: what it would refuse later is refused now.
    public var maximumRecordBytes = 16 << 20
    /// How long the log may leave all appends in hand unanswered before the next ones go to the spool.
    public var patience = Duration.seconds(1)
    /// The longest pause between two looks at a log that is away.
    public var longestPause = Duration.seconds(5)

    public init(topic: Topic) { self.topic = topic }
}

/// How a spool is.
public struct SpoolState: Sendable, Hashable {
    /// Records that wait, durable, for the log.
    public var records = 0
    /// Bytes of their keys, headers and values.
    public var bytes = 0
    /// When the oldest of them was taken in; nil if none waits.
    public var oldest: Timestamp?
    /// Records that went on to the log since this process began.
    public var forwarded = 0
    /// Records that the log did not take by itself, though it was there, since this process began.
    public var refused = 0
    /// Why records go to the spool; nil if they do not.
    public var reason: String?

    public init() {}
}
