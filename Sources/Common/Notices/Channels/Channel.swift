public import ByteJSON
public import Common

/// A place outside that notices of a workspace go to.
public struct Channel: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Any program: signed as Standard Webhooks has it.
        case webhook
        /// An incoming webhook of Slack, or of what takes the same.
        case slack
        /// A workflow of Teams that takes cards.
        case teams
    }

    public let id: ChannelID
    public let workspace: WorkspaceID
    public let kind: Kind
    public var name: String
    /// Of the address; the address itself is a secret.
    public let host: String
    let sealedAddress: String
    /// What is signed with, the newest first; several while they rotate.
    var secrets: [SealedSecret]
    public let createdAt: Timestamp
    /// Since when nothing is sent, and why.
    public var disabled: (at: Timestamp, reason: String)?

    struct SealedSecret: Sendable, Hashable {
        var sealed: String
        /// Not used from this time on; nil is for ever.
        var notAfter: Timestamp?
    }

    /// The channel as the API tells it.
    var json: JSON {
        var members: [String: JSON] = [
            "channel_id": .string(id.rawValue), "workspace_id": .string(workspace.rawValue),
            "kind": .string(kind.rawValue), "name": .string(name), "host": .string(host),
            "created_at": .string(createdAt.description), "state": .string(disabled == nil ? "active" : "disabled"),
        ]
        members["disabled_at"] = disabled.map { .string($0.at.description) }
        members["reason"] = disabled.map { .string($0.reason) }
        return .object(members)
    }
}
