public import Common
import Foundation

/// How the fetcher works; every bound that it has.
public struct FetcherSettings: Sendable {
    /// Streams that are read at the same time.
    public var concurrentStreams = 4
    /// Bounds of one request.
    public var limits = HTTPLimits()
    /// How long a stream stays with a fetcher that is not heard of.
    ///
    /// A fetcher that reads it is heard of three times as often.
    public var leaseSeconds = 30
    /// Names this fetcher among those that share a database. Whoever starts under a name takes over what its predecessor
    /// of that name held, so no two may run under one at a time.
    public var name = UUID().uuidString.lowercased()
    /// Seconds between checkpoints while pages come one after the other; a killed process reads again what lies between.
    public var checkpointEvery = 0.25
    /// How often one request is tried again before the stream counts as failing.
    public var retries = 3
    /// Seconds of the first pause between tries, and of the longest.
    public var firstPause = 1.0
    public var longestPause = 30.0
    /// Waits up to this are sat out with the connection's work in hand; longer ones give way to other streams.
    public var longestWaitInHand = 2.0
    /// Failures in a row that open a connection's circuit breaker, and for how many seconds at first.
    public var breakerThreshold = 5
    public var breakerPause = 30.0
    /// Pages that a backfill reads before it gives way to others.
    public var backfillPages = 10
    /// Whether the connectors' own bounds of requests a minute hold; the provider's signals always do.
    public var keepsRequestBounds = true
    /// Seconds to wait where a provider says "later" and not when; nil is what the connector's rule says.
    public var guessedWait: Int?
    /// Whether no other fetcher shares the database: then all leases are taken over at start. nil is what can be told from
    /// the database.
    public var isAlone: Bool?

    public init() {}
}
