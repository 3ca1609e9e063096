import ByteJSON
import Common
import Connectors
import ServiceKit

// How resources look from outside. Nothing sealed and nothing secret is ever in them.

extension WorkspaceRecord {
    var view: JSON {
        [
            "workspace_id": .string(id.rawValue), "name": .string(name), "created_at": .string(createdAt.description),
            "personal_data": .string(personalData.rawValue), "filters": .array(filters.map(\.view)),
        ]
    }
}

extension FilterRule {
    var view: JSON {
        ["field": .string(field.rawValue), "match": .string(match.rawValue), "value": .string(value)]
    }
}

extension ConnectionRecord {
    var view: JSON {
        [
            "connection_id": .string(id.rawValue), "workspace_id": .string(workspace.rawValue),
            "connector": .string(connector), "config": .object(config), "has_secrets": .bool(sealedSecrets != nil),
        ]
    }
}

extension StreamRecord {
    /// - Parameter reading: How far and how well it is read, if that is known.
    func view(publicURL: String, connector: Manifest?, reading: StreamStatus?) -> JSON {
        var members: [String: JSON] = [
            "stream_id": .string(id.rawValue), "workspace_id": .string(workspace.rawValue),
            "connection_id": .string(connection.rawValue), "connector": .string(self.connector), "name": .string(name),
            "status": .string(status.rawValue), "entity": .object(entity), "created_at": .string(createdAt.description),
            "schedule": ["every": .string(Schedule.text(pollEvery))],
            "backfill_since": backfillSince.map { .string($0.description) } ?? .null, "mapping": mapping ?? .null,
        ]
        if connector?.receive != nil {
            members["webhook_url"] = .string(webhookURL(publicURL))
            members["webhook_secrets"] = .array(
                webhookSecrets.map { ["not_after": $0.notAfter.map { .string($0.description) } ?? .null] })
        }
        if let reading { members["reading"] = reading.view }
        return .object(members)
    }

    func webhookURL(_ publicURL: String) -> String { "\(publicURL)/hooks/\(id)" }
}

extension StreamStatus {
    var view: JSON {
        var members: [String: JSON] = [
            "state": .string(state.rawValue), "items_read": .integer(Int64(itemsRead)), "at": .string(at.description),
        ]
        for (name, time) in [("caught_up_to", caughtUpTo), ("since", since), ("until", until)] {
            members[name] = time.map { .string($0.description) }
        }
        members["reason"] = reason.map(JSON.string)
        return .object(members)
    }
}

extension SetUp.NewStream {
    /// The stream as its maker is told, the secret this once.
    func view(publicURL: String) -> JSON {
        var members: [String: JSON] = [
            "stream_id": .string(record.id.rawValue), "connection_id": .string(record.connection.rawValue),
            "connector": .string(record.connector), "name": .string(record.name),
            "status": .string(record.status.rawValue),
        ]
        switch registration {
        case .none: break
        case .automatic:
            members["webhook_url"] = .string(record.webhookURL(publicURL))
            members["webhook"] = "register"
        case .manual(let why):
            members["webhook_url"] = .string(record.webhookURL(publicURL))
            members["webhook"] = "manual"
            members["webhook_reason"] = why.map { .string($0) }
        }
        if let secret { members["webhook_secret"] = .string(secret.reveal()) }
        return .object(members)
    }
}

extension Account {
    var view: JSON {
        ["account_id": .string(id.rawValue), "name": .string(name), "created_at": .string(createdAt.description)]
    }
}

extension IssuedToken {
    var view: JSON {
        [
            "token_id": .string(id.rawValue), "account_id": .string(account.rawValue), "name": .string(name),
            "scopes": .array(scopes.map(\.rawValue).sorted().map(JSON.string)),
            "created_at": .string(createdAt.description), "expires_at": .string(expiresAt.description),
            "revoked_at": revokedAt.map { .string($0.description) } ?? .null,
        ]
    }
}

extension AuditEntry {
    var view: JSON {
        [
            "audit_id": .string(id.rawValue), "at": .string(at.description),
            "token_id": token.map { .string($0.rawValue) } ?? .null, "action": .string(action),
            "subject": .string(subject), "detail": detail,
        ]
    }
}
