public import ByteJSON

/// What the compacted topic `earshot.connections` tells every service; keyed by the record's id.
public enum DirectoryRecord: Sendable, Codable, Hashable {
    case workspace(WorkspaceRecord)
    case connection(ConnectionRecord)
    case stream(StreamRecord)
    case key(VerificationKeyRecord)
    case revocation(RevocationRecord)

    /// The record's key on the topic.
    public var id: String {
        switch self {
        case .workspace(let record): record.id.rawValue
        case .connection(let record): record.id.rawValue
        case .stream(let record): record.id.rawValue
        case .key(let record): "key_" + record.keyID
        case .revocation(let record): record.token.rawValue
        }
    }
}

/// A workspace as other services need to know it.
public struct WorkspaceRecord: Sendable, Codable, Hashable {
    public enum PersonalDataPolicy: String, Sendable, Codable { case keep, mask, drop }

    public var id: WorkspaceID
    public var account: AccountID
    public var name: String
    public var createdAt: Timestamp
    public var personalData: PersonalDataPolicy
    /// Feedback that matches one of these is counted as filtered and not stored.
    public var filters: [FilterRule]
    /// The workspace's data key, sealed with the master key.
    public var sealedKey: String
    public var isDeleted: Bool

    public init(
        id: WorkspaceID, account: AccountID, name: String, createdAt: Timestamp,
        personalData: PersonalDataPolicy = .keep, filters: [FilterRule] = [], sealedKey: String, isDeleted: Bool = false
    ) {
        self.id = id
        self.account = account
        self.name = name
        self.createdAt = createdAt
        self.personalData = personalData
        self.filters = filters
        self.sealedKey = sealedKey
        self.isDeleted = isDeleted
    }
}

/// A rule that keeps feedback out: the field contains, or equals, the value; case does not matter.
public struct FilterRule: Sendable, Codable, Hashable {
    public enum Field: String, Sendable, Codable { case text, title, author, language, source, label, url }
    public enum Match: String, Sendable, Codable { case contains, equals }
    public var field: Field
    public var match: Match
    public var value: String

    public init(field: Field, match: Match, value: String) {
        self.field = field
        self.match = match
        self.value = value
    }
}

/// A customer's account at a provider.
public struct ConnectionRecord: Sendable, Codable, Hashable {
    public var id: ConnectionID
    public var workspace: WorkspaceID
    /// The connector's name.
    public var connector: String
    /// The fields of the connector's spec that are not secret.
    public var config: [String: JSON]
    /// The secret fields as JSON, sealed with the workspace's data key; nil if there are none.
    public var sealedSecrets: String?
    public var isDeleted: Bool

    public init(
        id: ConnectionID, workspace: WorkspaceID, connector: String, config: [String: JSON], sealedSecrets: String?,
        isDeleted: Bool = false
    ) {
        self.id = id
        self.workspace = workspace
        self.connector = connector
        self.config = config
        self.sealedSecrets = sealedSecrets
        self.isDeleted = isDeleted
    }
}

/// One feedback entity that a workspace follows.
public struct StreamRecord: Sendable, Codable, Hashable {
    public enum Status: String, Sendable, Codable { case active, paused, deleted }

    public var id: StreamID
    public var workspace: WorkspaceID
    public var connection: ConnectionID
    public var connector: String
    public var name: String
    /// What of the provider is followed, by the connector's spec: `{"query":"tags:feedback"}`.
    public var entity: [String: JSON]
    /// Seconds between polls; nil is never polled.
    public var pollEvery: Int?
    public var backfillSince: Timestamp?
    /// A mapping of this stream's own, as the connector's `normalise` has it; nil uses the connector's.
    public var mapping: JSON?
    public var status: Status
    /// The secrets that a webhook may be signed with; several while they rotate.
    public var webhookSecrets: [WebhookSecret]
    public var createdAt: Timestamp

    public struct WebhookSecret: Sendable, Codable, Hashable {
        /// Sealed with the workspace's data key.
        public var sealed: String
        /// The secret is refused from this time on; nil is for ever.
        public var notAfter: Timestamp?
        public init(sealed: String, notAfter: Timestamp? = nil) {
            self.sealed = sealed
            self.notAfter = notAfter
        }
    }

    public init(
        id: StreamID, workspace: WorkspaceID, connection: ConnectionID, connector: String, name: String,
        entity: [String: JSON] = [:], pollEvery: Int? = nil, backfillSince: Timestamp? = nil, mapping: JSON? = nil,
        status: Status = .active, webhookSecrets: [WebhookSecret] = [], createdAt: Timestamp
    ) {
        self.id = id
        self.workspace = workspace
        self.connection = connection
        self.connector = connector
        self.name = name
        self.entity = entity
        self.pollEvery = pollEvery
        self.backfillSince = backfillSince
        self.mapping = mapping
        self.status = status
        self.webhookSecrets = webhookSecrets
        self.createdAt = createdAt
    }
}

/// A public key that tokens are verified with.
public struct VerificationKeyRecord: Sendable, Codable, Hashable {
    public var keyID: String
    /// Ed25519 public key, 32 bytes in base 64 (URL alphabet, no padding), the `x` of an OKP JSON Web Key.
    public var publicKey: String
    /// Tokens signed with it are refused from this time on; nil is for ever.
    public var notAfter: Timestamp?

    public init(keyID: String, publicKey: String, notAfter: Timestamp? = nil) {
        self.keyID = keyID
        self.publicKey = publicKey
        self.notAfter = notAfter
    }
}

/// A token that is refused although its signature is right.
public struct RevocationRecord: Sendable, Codable, Hashable {
    public var token: TokenID
    public var revokedAt: Timestamp

    public init(token: TokenID, revokedAt: Timestamp) {
        self.token = token
        self.revokedAt = revokedAt
    }
}

/// Asks the fetcher to read a stream now, or again from a time on.
public struct FetchRequest: Sendable, Codable, Hashable {
    public var stream: StreamID
    public var requestedAt: Timestamp
    /// Read everything from this time on again; nil reads what is new.
    public var backfillSince: Timestamp?

    public init(stream: StreamID, requestedAt: Timestamp, backfillSince: Timestamp? = nil) {
        self.stream = stream
        self.requestedAt = requestedAt
        self.backfillSince = backfillSince
    }
}

/// How far and how well a stream is read.
public struct StreamStatus: Sendable, Codable, Hashable {
    public enum State: String, Sendable, Codable {
        /// Not read yet.
        case pending
        /// Reading now, or waiting for its next turn.
        case current
        case backfilling
        /// The provider's quota is used up until ``until``.
        case waitingForQuota = "waiting_for_quota"
        /// Failing since ``since`` because of ``reason``.
        case failing
        case paused
        /// Nothing is polled: what there is, is pushed.
        case listening
    }

    public var stream: StreamID
    public var workspace: WorkspaceID
    public var state: State
    /// Everything that the provider had until this time has been read.
    public var caughtUpTo: Timestamp?
    public var since: Timestamp?
    public var until: Timestamp?
    public var reason: String?
    /// Items appended to the log so far.
    public var itemsRead: Int
    public var at: Timestamp

    public init(
        stream: StreamID, workspace: WorkspaceID, state: State, caughtUpTo: Timestamp? = nil, since: Timestamp? = nil,
        until: Timestamp? = nil, reason: String? = nil, itemsRead: Int = 0, at: Timestamp
    ) {
        self.stream = stream
        self.workspace = workspace
        self.state = state
        self.caughtUpTo = caughtUpTo
        self.since = since
        self.until = until
        self.reason = reason
        self.itemsRead = itemsRead
        self.at = at
    }
}
