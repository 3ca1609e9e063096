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
    /// The field of a form that holds the payload as JSON; nil takes the form's fields as the payload.
    public var formField: String?
    public var maximumBodyBytes: Int
    /// How the provider is told to send; nil leaves that to a person.
    public var subscription: Subscription?

    public init(
        signatures: [SignatureScheme], signatureField: String? = nil, handshakes: [Handshake] = [],
        deliveryID: [String] = [], ignore: Condition? = nil, keepHeaders: [String] = [],
        contentTypes: [String] = ["application/json"], maximumBodyBytes: Int = 1 << 20, formField: String? = nil,
        subscription: Subscription? = nil
    ) {
        self.signatures = signatures
        self.signatureField = signatureField
        self.handshakes = handshakes
        self.deliveryID = deliveryID
        self.ignore = ignore
        self.keepHeaders = keepHeaders
        self.contentTypes = contentTypes
        self.maximumBodyBytes = maximumBodyBytes
        self.formField = formField
        self.subscription = subscription
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
