public import ByteJSON

/// How to talk to one kind of provider: one YAML file, `connectors/<name>.yaml`.
///
/// Every layer is used by one service: `spec`, `auth`, `check`, `discover` by Workspace, `read` by Fetcher,
/// `receive` by Webhook, `normalise` by Parser. The file format is `schemas/connector.v1.schema.json`.
public struct Manifest: Sendable {
    /// Lower snake case: `app_store`.
    public var name: String
    public var version: Int
    /// For people: `Apple App Store`.
    public var title: String
    public var summary: String
    public var documentation: String?
    /// What it cannot do, for people.
    public var limitations: [String]
    public var spec: Specification
    public var auth: Authentication
    public var check: RequestTemplate?
    public var discover: Discovery?
    /// The sequences that are polled, in this order; empty for what is only pushed or imported.
    public var read: [ReadSource]
    public var receive: Receiver?
    public var normalise: Normalisation

    public init(
        name: String, version: Int, title: String, summary: String, documentation: String? = nil,
        limitations: [String] = [], spec: Specification = .init(), auth: Authentication = .none,
        check: RequestTemplate? = nil, discover: Discovery? = nil, read: [ReadSource] = [], receive: Receiver? = nil,
        normalise: Normalisation
    ) {
        self.name = name
        self.version = version
        self.title = title
        self.summary = summary
        self.documentation = documentation
        self.limitations = limitations
        self.spec = spec
        self.auth = auth
        self.check = check
        self.discover = discover
        self.read = read
        self.receive = receive
        self.normalise = normalise
    }

    /// `name@version`, as raw events carry it.
    public var identity: String { "\(name)@\(version)" }
}

// MARK: - spec

/// The fields that a person fills in.
public struct Specification: Sendable {
    /// Of the connection: the account at the provider.
    public var connection: [Field]
    /// Of the stream: which entity there.
    public var stream: [Field]

    public init(connection: [Field] = [], stream: [Field] = []) {
        self.connection = connection
        self.stream = stream
    }

    public struct Field: Sendable {
        public enum FieldType: String, Sendable { case string, url, integer, boolean, date, choice, strings, object }

        public var name: String
        public var type: FieldType
        public var title: String
        public var help: String?
        public var required: Bool
        public var secret: Bool
        public var `default`: JSON?
        public var choices: [String]
        /// A regular expression that the whole value must match.
        public var pattern: String?
        public var example: JSON?
        /// Where a person makes or finds the value.
        public var link: String?

        public init(
            name: String, type: FieldType = .string, title: String, help: String? = nil, required: Bool = false,
            secret: Bool = false, default: JSON? = nil, choices: [String] = [], pattern: String? = nil,
            example: JSON? = nil, link: String? = nil
        ) {
            self.name = name
            self.type = type
            self.title = title
            self.help = help
            self.required = required
            self.secret = secret
            self.default = `default`
            self.choices = choices
            self.pattern = pattern
            self.example = example
            self.link = link
        }
    }
}

// MARK: - requests

/// Text with `{{name}}` or `{{name|function}}` holes, filled from ``TemplateValues``.
///
/// Names: `config.<field>` (connection, secrets included), `entity.<field>` (stream), `cursor.<name>`,
/// `window.from`, `window.to`, `page`, `item.<path>` (in a nested request), `now`.
/// Functions: `date` (2021-01-31), `rfc3339`, `unix`, `url` (percent-encode), `base64`, `trim_slash`, `lower`.
/// A hole whose value is missing makes the header or the query parameter disappear; in a path it is an error.
public struct Template: Sendable, Hashable {
    public var source: String
    public init(_ source: String) { self.source = source }
}

/// One request to the provider.
public struct RequestTemplate: Sendable {
    public var method: String
    public var url: Template
    public var query: [(name: String, value: Template)]
    public var headers: [(name: String, value: Template)]
    public var body: Template?

    public init(
        method: String = "GET", url: Template, query: [(name: String, value: Template)] = [],
        headers: [(name: String, value: Template)] = [], body: Template? = nil
    ) {
        self.method = method
        self.url = url
        self.query = query
        self.headers = headers
        self.body = body
    }
}

/// How requests prove who asks.
public enum Authentication: Sendable {
    case none
    /// Headers that are added where their values are given.
    case headers([(name: String, value: Template)])
    /// HTTP Basic.
    case basic(user: Template, password: Template)
    /// `Authorization: Bearer`; left out where the value is missing, if the connector says so.
    case bearer(token: Template)
}

/// What entities a connection could follow.
public struct Discovery: Sendable {
    public var request: RequestTemplate
    /// Path of the array of entities in the response.
    public var items: String
    /// Fields of the stream's spec, each by an expression over one item.
    public var entity: [(name: String, value: Expression)]
    public var title: Expression

    public init(
        request: RequestTemplate, items: String, entity: [(name: String, value: Expression)], title: Expression
    ) {
        self.request = request
        self.items = items
        self.entity = entity
        self.title = title
    }
}

// MARK: - read

/// One sequence of items that is polled.
public struct ReadSource: Sendable {
    /// Travels in the header ``Common/RawHeader/source``, so that the mapping can tell the shapes apart.
    public var name: String
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
        errors: [ErrorRule] = [], nested: [ReadSource] = []
    ) {
        self.name = name
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
    /// A query parameter counts pages up from `first`; `last` is the provider's limit.
    case page(parameter: String, first: Int, last: Int?, moreAt: String?)
    /// A query parameter carries the id of the last (lowest) item: `before` in Discourse.
    case keyset(parameter: String, value: Expression, lowest: Bool)
    /// A query parameter carries a token that the response gives.
    case token(parameter: String, path: String)
    /// The response gives the address of the next page.
    case next(path: String)
}

/// How a source is read again without a gap and without doubles.
public struct CursorRule: Sendable {
    public enum Kind: String, Sendable {
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
    public enum Action: String, Sendable {
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

// MARK: - receive

/// How deliveries of a provider are known to be its own.
public struct Receiver: Sendable {
    /// One of these must accept the delivery.
    public var signatures: [SignatureScheme]
    /// Field of the stream's spec whose value, an object, is the signature scheme of that stream, in place of
    /// ``signatures``; it is written as they are.
    public var signatureField: String?
    public var handshakes: [Handshake]
    /// Header, or path in the body (`body.event_id`), of the sender's id of a delivery; several are joined.
    public var deliveryID: [String]
    /// Deliveries for which this is true are answered 200 and not taken in (pings). Sees `headers.` and `body.`.
    public var ignore: Condition?
    /// The sender's headers that go on the log with the payload, in lower case.
    public var keepHeaders: [String]
    public var contentTypes: [String]
    public var maximumBodyBytes: Int

    public init(
        signatures: [SignatureScheme], signatureField: String? = nil, handshakes: [Handshake] = [],
        deliveryID: [String] = [], ignore: Condition? = nil, keepHeaders: [String] = [],
        contentTypes: [String] = ["application/json"], maximumBodyBytes: Int = 1 << 20
    ) {
        self.signatures = signatures
        self.signatureField = signatureField
        self.handshakes = handshakes
        self.deliveryID = deliveryID
        self.ignore = ignore
        self.keepHeaders = keepHeaders
        self.contentTypes = contentTypes
        self.maximumBodyBytes = maximumBodyBytes
    }
}

/// A way to sign, as data: one verifier covers all.
///
/// The places of signature, id and timestamp are written alike: a header's name (`X-Signature`), one part of a header
/// that lists `key=value` (`Stripe-Signature[t]`), or a path in the body, which may be a form (`body.webhookTimestamp`).
public struct SignatureScheme: Sendable {
    public enum Algorithm: String, Sendable, CaseIterable { case hmac, ed25519, token, none }
    public enum Hash: String, Sendable, CaseIterable { case sha1, sha256, sha512 }
    public enum Encoding: String, Sendable, CaseIterable { case hex, base64 }
    public enum SecretForm: String, Sendable, CaseIterable {
        /// The secret's UTF-8 bytes.
        case text
        /// Base 64 behind `whsec_` or `whpk_`, as Standard Webhooks has it.
        case standard
    }
    public enum TimestampUnit: String, Sendable, CaseIterable { case seconds, milliseconds, rfc3339 }

    public var algorithm: Algorithm
    public var hash: Hash
    public var encoding: Encoding
    public var secretForm: SecretForm
    /// Place of the signature (or the token).
    public var header: String
    /// What stands before the signature: `sha256=`, `v1,`, `v0=`.
    public var prefix: String
    /// Several signatures are separated by this; empty is one signature.
    public var separator: String
    /// What is signed, as text with `{body}`, `{timestamp}`, `{id}`, `{method}`, `{url}`: `{id}.{timestamp}.{body}`.
    public var signed: String
    /// Place of what `{id}` stands for.
    public var idHeader: String?
    /// Place of the timestamp; a delivery without it is refused.
    public var timestampHeader: String?
    public var timestampUnit: TimestampUnit
    /// Seconds that a timestamp may be away from now, either way; 0 is no bound.
    public var tolerance: Int

    public init(
        algorithm: Algorithm = .hmac, hash: Hash = .sha256, encoding: Encoding = .hex, secretForm: SecretForm = .text,
        header: String, prefix: String = "", separator: String = "", signed: String = "{body}",
        idHeader: String? = nil, timestampHeader: String? = nil, timestampUnit: TimestampUnit = .seconds,
        tolerance: Int = 300
    ) {
        self.algorithm = algorithm
        self.hash = hash
        self.encoding = encoding
        self.secretForm = secretForm
        self.header = header
        self.prefix = prefix
        self.separator = separator
        self.signed = signed
        self.idHeader = idHeader
        self.timestampHeader = timestampHeader
        self.timestampUnit = timestampUnit
        self.tolerance = tolerance
    }
}

/// A request that is answered and not taken in: `url_verification` of Slack.
public struct Handshake: Sendable {
    public var when: Condition
    /// Path in the body of what is echoed as plain text; nil answers 200 with an empty body.
    public var echo: String?
    /// Whether it must be signed like a delivery.
    public var signed: Bool

    public init(when: Condition, echo: String? = nil, signed: Bool = true) {
        self.when = when
        self.echo = echo
        self.signed = signed
    }
}

// MARK: - normalise

/// How payloads become the uniform schema. The first shape whose condition is true maps the event.
public struct Normalisation: Sendable {
    public var shapes: [Shape]

    public init(shapes: [Shape]) { self.shapes = shapes }

    public struct Shape: Sendable {
        public var name: String
        /// Sees the payload's root, `headers.` (kept ones and `how`, `source`); nil is always true.
        public var when: Condition?
        /// Path of the items in the payload; empty is the payload itself; an array is split.
        public var items: String
        /// Items for which this is true are filtered: counted, not stored.
        public var skip: Condition?
        /// Fields of ``NormalisedField`` by expressions. An expression sees the item, and `root.`, `headers.`,
        /// `entity.`, `config.` (no secrets), `stream.`.
        public var fields: [(field: NormalisedField, value: Expression)]
        /// Kept under `custom`.
        public var custom: [(name: String, value: Expression)]

        public init(
            name: String, when: Condition? = nil, items: String = "", skip: Condition? = nil,
            fields: [(field: NormalisedField, value: Expression)], custom: [(name: String, value: Expression)] = []
        ) {
            self.name = name
            self.when = when
            self.items = items
            self.skip = skip
            self.fields = fields
            self.custom = custom
        }
    }
}

/// What a mapping can set.
public enum NormalisedField: String, Sendable, CaseIterable {
    case instance
    case externalID = "external_id"
    case kind, title, text
    /// `plain`, `html`, `markdown` or `bbcode`.
    case format
    case url
    case createdAt = "created_at"
    case updatedAt = "updated_at"
    /// True, or the time of the deletion.
    case deleted
    case rating
    case ratingMinimum = "rating_minimum"
    case ratingMaximum = "rating_maximum"
    case productVersion = "product_version"
    case platform, language
    case authorID = "author_id"
    case authorName = "author_name"
    case authorEmail = "author_email"
    case locale, country
    case threadID = "thread_id"
    case inReplyTo = "in_reply_to"
    case labels
}
