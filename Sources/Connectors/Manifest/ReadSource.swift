/// One sequence of items that is polled.
public struct ReadSource: Sendable {
    /// Travels in the header ``Common/RawHeader/source``, so that the mapping can tell the shapes apart.
    public var name: String
    /// Sees `entity.` and `config.`: the source is read only where this is true; nil is always.
    public var when: Condition?
    public var request: RequestTemplate
    /// Path of the array of items in the response; empty is the root. An object there is one item.
    public var items: String
    /// The item's external id, for the seen set and the record's key.
    public var id: Expression
    /// The instance (as in `normalise`) and id give the identity that keys the record.
    public var instance: Expression?
    /// The time (or number) that the cursor follows.
    public var position: Expression?
    /// Items for which this is true are not taken in.
    public var skip: Condition?
    /// Extra members for the raw event, from the page around the item: name, and an expression over the page.
    public var context: [(name: String, value: Expression)]
    public var pagination: Pagination
    public var cursor: CursorRule
    public var rate: RateSignals
    public var errors: [ErrorRule]
    /// Requests for each item of this source (a topic's posts), whose items are what is taken in.
    public var nested: [ReadSource]

    public init(
        name: String, request: RequestTemplate, items: String, id: Expression, instance: Expression? = nil,
        position: Expression? = nil, skip: Condition? = nil, context: [(name: String, value: Expression)] = [],
        pagination: Pagination = .none, cursor: CursorRule = .init(), rate: RateSignals = .init(),
        errors: [ErrorRule] = [], nested: [ReadSource] = [], when: Condition? = nil
    ) {
        self.name = name
        self.when = when
        self.request = request
        self.items = items
        self.id = id
        self.instance = instance
        self.position = position
        self.skip = skip
        self.context = context
        self.pagination = pagination
        self.cursor = cursor
        self.rate = rate
        self.errors = errors
        self.nested = nested
    }
}

/// How to get the next page.
public enum Pagination: Sendable {
    case none
    /// Follow `Link: <…>; rel="next"`, on the same host only.
    case link
    /// A query parameter counts pages up from `first`; `last` is the provider's limit. An empty name adds no parameter:
    /// the request's own `{{page}}` counts. `moreAt` is a path that is true while there is more; nil reads until a page
    /// without a new item.
    case page(parameter: String, first: Int, last: Int?, moreAt: String?)
    /// A query parameter carries the id of the last (lowest) item: `before` in Discourse.
    case keyset(parameter: String, value: Expression, lowest: Bool)
    /// A query parameter carries a token that the response gives.
    case token(parameter: String, path: String)
    /// The response gives the address of the next page.
    case next(path: String)
    /// The first response lists all ids at a path; those that are not among its items are asked for, `batch` at a time,
    /// each as a value of the query parameter, at `url`.
    case ids(at: String, parameter: String, url: Template, batch: Int)
}

/// How a source is read again without a gap and without doubles.
public struct CursorRule: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Ascending by `position`; the request asks for `>= cursor.position`.
        case ascending
        /// Newest first; stop at what is known.
        case descending
        /// The whole sequence, every time.
        case full
        /// Slices of time given to the request as `window.from` and `window.to`.
        case windows
    }

    public var kind: Kind
    /// Seconds that are read again on every poll, for providers whose clocks or indexes lag.
    public var overlap: Int
    /// Length of a backfill window in seconds.
    public var window: Int
    /// Ids remembered at the boundary.
    public var remember: Int

    public init(kind: Kind = .full, overlap: Int = 0, window: Int = 30 * 86_400, remember: Int = 2000) {
        self.kind = kind
        self.overlap = overlap
        self.window = window
        self.remember = remember
    }
}

/// Where the provider says how much more it takes.
public struct RateSignals: Sendable {
    /// Header with the requests left in the period.
    public var remaining: String?
    /// Header with the end of the period; unix seconds, or seconds from now if smaller than a year.
    public var reset: String?
    /// Paths in the body that hold seconds to wait (`backoff`, `extras.wait_seconds`).
    public var wait: [String]
    /// Our own bound: requests a minute; nil is none.
    public var perMinute: Int?

    public init(remaining: String? = nil, reset: String? = nil, wait: [String] = [], perMinute: Int? = nil) {
        self.remaining = remaining
        self.reset = reset
        self.wait = wait
        self.perMinute = perMinute
    }
}

/// What to do about a response; the first rule that matches decides.
///
/// Without a rule: 2xx is read, 304 is the end, 401 and 403 fail, 404 and 410 fail, 408, 425, 429 and 5xx retry.
public struct ErrorRule: Sendable {
    public enum Action: String, Sendable, CaseIterable {
        case retry, fail, ignore, end
        case rateLimited = "rate_limited"
    }

    public var status: [Int]
    /// A condition over the body as JSON, if it is any.
    public var when: Condition?
    public var action: Action
    /// Seconds to wait where the response does not say.
    public var wait: Int?
    public var message: String?

    public init(status: [Int] = [], when: Condition? = nil, action: Action, wait: Int? = nil, message: String? = nil) {
        self.status = status
        self.when = when
        self.action = action
        self.wait = wait
        self.message = message
    }
}
