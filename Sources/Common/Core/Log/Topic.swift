/// A topic of the event log: its name on the wire, its key, how long it is kept.
///
/// The list is closed: services meet in these and nowhere else.
public struct Topic: Sendable, Hashable, CustomStringConvertible {
    /// How long records stay.
    public enum Retention: Sendable, Hashable {
        /// Records older than this many days may go.
        case days(Int)
        /// Only the last record of each key stays; a null value (tombstone) removes the key in time.
        case compacted
    }

    public let name: String
    public let retention: Retention
    public let partitions: Int

    public var description: String { name }

    public init(name: String, retention: Retention, partitions: Int) {
        self.name = name
        self.retention = retention
        self.partitions = partitions
    }

    /// Payloads verbatim, facts in headers (``RawHeader``). Key: identity where known, else the delivery's id.
    public static let raw = Topic(name: "earshot.raw", retention: .days(30), partitions: 4)
    /// ``Feedback`` as JSON. Key: `unique_identifier`.
    public static let feedback = Topic(name: "earshot.feedback", retention: .days(7), partitions: 4)
    /// ``DeadLetter`` as JSON. Key: that of the event.
    public static let deadLetters = Topic(name: "earshot.dead-letters", retention: .days(90), partitions: 1)
    /// ``DirectoryRecord`` as JSON. Key: the record's id.
    public static let connections = Topic(name: "earshot.connections", retention: .compacted, partitions: 1)
    /// ``FetchRequest`` as JSON. Key: stream id.
    public static let fetchRequests = Topic(name: "earshot.fetch-requests", retention: .days(7), partitions: 1)
    /// ``StreamStatus`` as JSON: how far and how well each stream is read. Key: stream id.
    public static let streamStatus = Topic(name: "earshot.stream-status", retention: .compacted, partitions: 1)

    public static let all: [Topic] = [raw, feedback, deadLetters, connections, fetchRequests, streamStatus]
}

/// The consumer groups, by what they do.
public struct ConsumerGroup: Sendable, Hashable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public var description: String { name }

    public static let parser = ConsumerGroup("parser")
    public static let reports = ConsumerGroup("reports")
    /// Keeps the dead letters where operators look at them.
    public static let deadLetters = ConsumerGroup("dead-letters")
}

/// Names of the facts that travel in the headers of feedback; each value is UTF-8 text.
public enum FeedbackHeader {
    public static let workspace = "workspace"
    /// The job that read the raw event again. Its item is in the ledgers already.
    public static let reprocess = "reprocess"
    /// The raw event whose item is to be taken back, if it is still what that event said: partition and offset.
    public static let withdraws = "withdraws"
}

/// Names of the facts that travel in the headers of a raw event; each value is UTF-8 text.
public enum RawHeader {
    public static let workspace = "workspace"
    public static let connection = "connection"
    public static let stream = "stream"
    /// `name@version` of the connector that took the payload in.
    public static let connector = "connector"
    /// `pull`, `push` or `import`.
    public static let how = "how"
    /// RFC 3339 instant at which we took it in.
    public static let receivedAt = "received-at"
    public static let contentType = "content-type"
    /// The delivery's id: the sender's own where it gives one; for an import, import key and row.
    public static let delivery = "delivery"
    public static let traceparent = "traceparent"
    /// The import that a row came with; ``ImportID``.
    public static let importID = "import"
    /// JSON object: a mapping of the import's own, laid over the stream's.
    public static let mapping = "mapping"
    /// Where the event lies that this one, which says the same, takes back: partition and offset, `2/1234`.
    public static let withdraws = "withdraws"
    /// Which request of the connector's `read` a pulled item came from.
    public static let source = "source"
    /// JSON object of facts from the page around a pulled item; the mapping sees it as `context.`.
    public static let context = "context"
    /// Id of the dead letter that this event is a replay of.
    public static let replayOf = "replay-of"
    /// Which try this is, where it is a replay: 2, 3, …
    public static let attempt = "attempt"
    /// `partition/offset` that the event had on the log of another installation, where it was read and counted: the
    /// parser passes it over. It is there to be read again on request.
    public static let carriedFrom = "carried-from"
    /// Prefix of the sender's own headers that the connector asks to keep, name in lower case.
    public static let kept = "h-"
}
