import ByteJSON
import Common
import Connectors
import Crypto
import ServiceKit

/// What a stream is read with: its connector and its settings.
struct FetchTarget: Sendable {
    let manifest: Manifest
    /// The sources that this stream reads.
    let sources: [ReadSource]
    let settings: StreamSettings
    /// Names what is read: another entity, or other settings of the connection, make another one.
    let identity: String
    private let sealedSecrets: String?
    private let sealedKey: String
    private let vault: Vault

    init(
        _ stream: StreamRecord, connection: ConnectionRecord, workspace: WorkspaceRecord, manifest: Manifest,
        vault: Vault
    ) {
        self.manifest = manifest
        settings = StreamSettings(config: connection.config, entity: stream.entity)
        identity = Self.identity(of: stream, connection)
        let scope = MappingScope(item: nil, entity: stream.entity, config: connection.config)
        sources = manifest.read.filter { $0.when?.holds(in: scope) ?? true }
        sealedSecrets = connection.sealedSecrets
        sealedKey = workspace.sealedKey
        self.vault = vault
    }

    static func identity(of stream: StreamRecord, _ connection: ConnectionRecord) -> String {
        let parts = JSON.object(["entity": .object(stream.entity), "config": .object(connection.config)])
        return Base32.encode(SHA256.hash(data: parts.bytes).prefix(10))
    }

    /// The connection's settings with its secrets, which are opened for one request and not kept.
    func openConfig() throws -> [String: JSON] {
        guard let sealedSecrets else { return settings.config }
        let opened = try vault.open(sealedSecrets, sealedKey: sealedKey)
        let secrets = try JSON(JSONDocument(parsing: opened.reveal()).root).object ?? [:]
        return settings.config.merging(secrets) { $1 }
    }
}
