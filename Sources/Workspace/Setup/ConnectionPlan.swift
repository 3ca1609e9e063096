import ByteJSON
import Common
import Connectors
import ServiceKit

/// The settings of a connection, secrets included, checked against the connector's spec.
struct ConnectionPlan: Sendable {
    var connector: Manifest
    /// What is not secret.
    var config: [String: JSON]
    var secrets: [String: JSON]

    /// Everything that the connector's templates call `config`.
    var values: [String: JSON] { config.merging(secrets) { $1 } }

    /// Equal settings of one connector are one connection.
    var identity: [UInt8] { JSON.object(["connector": .string(connector.name), "config": .object(values)]).bytes }

    /// The record of a new connection.
    func record(_ id: ConnectionID, workspace: WorkspaceRecord, vault: Vault) throws -> ConnectionRecord {
        var sealed: String?
        if !secrets.isEmpty {
            let text = String(decoding: JSON.object(secrets).bytes, as: UTF8.self)
            sealed = try vault.seal(Secret(text), sealedKey: workspace.sealedKey)
        }
        return ConnectionRecord(
            id: id, workspace: workspace.id, connector: connector.name, config: config, sealedSecrets: sealed)
    }
}

extension ConnectionPlan {
    /// The settings of a connection that exists.
    init(_ record: ConnectionRecord, connector: Manifest, workspace: WorkspaceRecord, vault: Vault) throws {
        self.connector = connector
        config = record.config
        secrets = [:]
        if let sealed = record.sealedSecrets {
            let text = try vault.open(sealed, sealedKey: workspace.sealedKey).reveal()
            secrets = try JSON(JSONDocument(parsing: text).root).object ?? [:]
        }
    }
}

extension ConnectorRegistry {
    /// The connector that a body names.
    func named(by body: BodyObject) -> Manifest? {
        guard let name = body.string("connector", length: 1...100, required: true) else { return nil }
        guard let connector = self[name] else {
            body.refuse(
                "connector", "there is no connector `\(name)`; known are \(all.map(\.name).joined(separator: ", "))")
            return nil
        }
        return connector
    }
}

extension ConnectionPlan {
    /// Reads `connector` and `config`; what is wrong, `body` then says.
    init?(_ body: BodyObject, connectors: ConnectorRegistry) {
        let given = body.settings("config")
        guard let connector = connectors.named(by: body), let given else { return nil }
        let checked = connector.spec.check(connection: given, stream: [:])
        for problem in checked.problems where problem.place == .connection {
            body.refuse("config/\(problem.field)", problem.reason)
        }
        self.init(connector: connector, config: checked.connection, secrets: checked.secrets)
    }
}
