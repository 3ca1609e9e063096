/// The parser's bounds.
public struct ParserSettings: Sendable, Hashable {
    /// Raw events that are pulled at once.
    public var batchSize = 2000
    /// Items of one delivery that are worked on at once; a larger delivery goes on in slices of this size.
    public var sliceSize = 2000
    /// A raw event with a larger payload becomes a dead letter without being read.
    public var maximumPayloadBytes = 16 << 20
    /// An item whose feedback would be larger becomes a dead letter.
    public var maximumFeedbackBytes = 1 << 20
    /// A dead letter carries its original up to this size; a larger one is looked up on the log.
    public var maximumOriginalBytes = 512 << 10
    public var deadLetterBudget = DeadLetterBudget()
    /// Days that dead letters are kept.
    public var deadLetterDays = 90

    public init() {}
}

/// How many items may fail before a stream counts as failing, and, where that is no single customer's affair, before
/// the parser stops and asks for help rather than draining the topic.
public struct DeadLetterBudget: Sendable, Hashable {
    /// How many consecutive items of a partition, and of a stream in it, are looked at.
    public var window: Int
    /// More than this share of a full window is over the budget; 1 never is.
    public var ratio: Double

    public init(window: Int = 200, ratio: Double = 0.5) {
        self.window = max(1, window)
        self.ratio = ratio
    }

    /// How many failures of a full window are still borne.
    var borne: Int { Int(Double(window) * min(1, max(0, ratio))) }
}
