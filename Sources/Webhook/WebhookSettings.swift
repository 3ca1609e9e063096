/// The bounds of what is taken in over HTTP.
public struct WebhookSettings: Sendable, Hashable {
    /// Bytes of all bodies that are in memory at one time; past it, deliveries are answered 503.
    public var maximumBytesInFlight = 64 << 20
    /// Deliveries a second that one stream takes before it answers 429; a burst of twice as many passes.
    public var deliveriesPerSecond = 50_000
    /// Seconds in which the whole body of a delivery must come, and any part of an import.
    public var bodySeconds = 30
    /// How many times its size a compressed body may grow.
    public var maximumRatio = 200
    /// Seconds that a refused sender is asked to wait.
    public var retryAfter = 5
    /// Deliveries that are remembered, so that a repeated one is known.
    public var rememberedDeliveries = 200_000
    /// Seconds that a delivery is remembered.
    public var rememberedSeconds = 6 * 3600
    /// Records at the end of the log that are read at start to remember deliveries.
    public var recordsReadAtStart = 20_000
    /// Bytes of one row of an import.
    public var maximumRowBytes = 1 << 20
    /// Rows of an import that go on the log at once.
    public var rowsPerBatch = 1000
    /// The bounds of imports that are jobs.
    public var imports = ImportSettings()

    public init() {}
}
