import ByteJSON
import Common
import Connectors
import Crypto
import Foundation
import ServiceKit

/// Two accounts, their workspaces, and streams of every way to be pushed to.
struct World: Sendable {
    static let secret = "a secret of the stream"

    let vault: Vault
    let manifests: [Manifest]
    var records: [DirectoryRecord]
    let signed, standard, custom, form, slack, polled, paused, deleted, orphan, files: StreamRecord
    private let tokenKey = Curve25519.Signing.PrivateKey()
    private let owner = AccountID.make()
    private let other = AccountID.make()

    init(secrets: [(String, Timestamp?)] = [(World.secret, nil)]) throws {
        let vault = try Vault(masterKey: (0..<32).map { UInt8($0) })
        self.vault = vault
        manifests = Self.manifests()
        let workspace = WorkspaceRecord(
            id: .make(), account: owner, name: "Mobile", createdAt: .now, sealedKey: try vault.makeSealedKey())
        var gone = workspace
        gone.id = .make()
        gone.isDeleted = true

        func stream(
            _ connector: String, in workspace: WorkspaceRecord, status: StreamRecord.Status = .active,
            entity: [String: JSON] = [:], secrets: [(String, Timestamp?)]
        ) throws -> StreamRecord {
            StreamRecord(
                id: .make(), workspace: workspace.id, connection: .make(), connector: connector, name: connector,
                entity: entity, status: status,
                webhookSecrets: try secrets.map {
                    .init(sealed: try vault.seal(Secret($0.0), sealedKey: workspace.sealedKey), notAfter: $0.1)
                },
                createdAt: .now)
        }
        signed = try stream("signed", in: workspace, secrets: secrets)
        standard = try stream(
            "standard", in: workspace, secrets: [("whsec_" + Data("standard key".utf8).base64EncodedString(), nil)])
        custom = try stream(
            "signed", in: workspace, entity: ["signature": ["algorithm": "token", "header": "X-Token"]],
            secrets: secrets)
        form = try stream("form", in: workspace, secrets: secrets)
        slack = try stream("slack", in: workspace, secrets: secrets)
        polled = try stream("polled", in: workspace, secrets: secrets)
        paused = try stream("signed", in: workspace, status: .paused, secrets: secrets)
        deleted = try stream("signed", in: workspace, status: .deleted, secrets: secrets)
        orphan = try stream("signed", in: gone, secrets: secrets)
        files = try stream("csv", in: workspace, secrets: [])
        let key = VerificationKeyRecord(
            keyID: "k1",
            publicKey: tokenKey.publicKey.rawRepresentation.base64EncodedString()
                .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
        records =
            [.workspace(workspace), .workspace(gone), .key(key)]
            + [signed, standard, custom, form, slack, polled, paused, deleted, orphan, files].map(
                DirectoryRecord.stream)
    }

    /// The hexadecimal signature of the `signed` connector.
    static func signature(of body: [UInt8], _ secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(secret.utf8)))
        return "sha256=" + code.map { String(format: "%02x", $0) }.joined()
    }

    /// A token of the account that has the streams, or of another one.
    func token(scopes: Set<Scope> = [.write], ofOther: Bool = false) async throws -> String {
        try await TokenClaims(
            account: ofOther ? other : owner, token: .make(), scopes: scopes, issuedAt: .now,
            expiresAt: .now.advanced(bySeconds: 3600)
        ).signed(privateKey: Array(tokenKey.rawRepresentation), keyID: "k1")
    }

    private static func manifests() -> [Manifest] {
        let anything = Normalisation(shapes: [])
        let signature = SignatureScheme(header: "X-Signature", prefix: "sha256=")
        func manifest(_ name: String, _ receiver: Receiver?) -> Manifest {
            Manifest(name: name, version: 1, title: name, summary: "", receive: receiver, normalise: anything)
        }
        return [
            manifest(
                "signed",
                Receiver(
                    signatures: [signature], signatureField: "signature", deliveryID: ["X-Delivery"],
                    ignore: .equals(.path(Path("headers.x-event")), "ping"), keepHeaders: ["x-event"],
                    maximumBodyBytes: 100_000)),
            manifest(
                "standard",
                Receiver(
                    signatures: [
                        SignatureScheme(
                            encoding: .base64, secretForm: .standard, header: "webhook-signature", prefix: "v1,",
                            separator: " ", signed: "{id}.{timestamp}.{body}", idHeader: "webhook-id",
                            timestampHeader: "webhook-timestamp")
                    ], deliveryID: ["webhook-id"])),
            manifest(
                "form",
                Receiver(
                    signatures: [signature], deliveryID: ["X-Delivery", "body.event"],
                    contentTypes: ["application/json", "application/x-www-form-urlencoded"], formField: "payload")),
            manifest(
                "slack",
                Receiver(
                    signatures: [signature],
                    handshakes: [
                        Handshake(when: .equals(.path(Path("body.type")), "url_verification"), echo: "body.challenge"),
                        Handshake(when: .equals(.path(Path("headers.x-event")), "hello"), signed: false),
                    ])),
            manifest("polled", nil),
        ] + ConnectorLibrary.load().manifests.filter { $0.name == "csv" || $0.name == "jsonl" }
    }
}
