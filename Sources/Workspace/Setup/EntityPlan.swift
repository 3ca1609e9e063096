import ByteJSON
import Common
import Connectors
import Foundation
import ServiceKit

/// A feedback entity that is asked for, found right as far as that can be told without asking the provider.
struct EntityPlan: Sendable {
    /// Where in the request it stands.
    var pointer: String
    var connection: ConnectionPlan
    var name: String
    var entity: [String: JSON]
    var pollEvery: Int?
    var backfillSince: Timestamp?
    var mapping: JSON?
    /// A secret that the provider dictates; nil has one made.
    var webhookSecret: Secret?
    /// Who makes the webhook at the provider.
    var registration: Registration

    /// Who tells the provider where to send.
    enum Registration: Sendable, Hashable {
        /// Nothing is received.
        case none
        /// We do.
        case automatic
        /// A person does; why, where we could have.
        case manual(String?)
    }

    var connector: Manifest { connection.connector }

    /// Reads an entity; what is wrong with it, `body` then says.
    ///
    /// - Parameter connection: The connection that the stream is to use; nil reads `connector` and `config`.
    init?(
        _ body: BodyObject, connection: ConnectionPlan?, connectors: ConnectorRegistry, settings: WorkspaceSettings,
        publicURL: String
    ) {
        let asked = body.choice("webhook", of: WebhookMaker.allCases)
        pointer = body.pointer
        let given = body.settings("entity")
        let named = body.string("name")
        backfillSince = body.timestamp("backfill_since")
        mapping = body.value("mapping")
        webhookSecret = body.string("webhook_secret", length: 8...500).map { Secret($0) }
        let schedule = body.object("schedule").flatMap { Schedule($0, minimum: settings.minimumPollSeconds) }

        let config = connection == nil ? body.settings("config") : connection?.values
        guard let connector = connection?.connector ?? connectors.named(by: body), let config, let given else {
            return nil
        }
        let checked = connector.spec.check(connection: config, stream: given)
        for problem in checked.problems {
            body.refuse("\(problem.place == .connection ? "config" : "entity")/\(problem.field)", problem.reason)
        }
        self.connection = ConnectionPlan(connector: connector, config: checked.connection, secrets: checked.secrets)
        entity = checked.stream
        name = named ?? connector.title
        registration = Self.registration(of: self.connection, entity, secret: webhookSecret, asked, publicURL)
        pollEvery = schedule == nil && !connector.read.isEmpty ? settings.defaultPollSeconds : schedule?.seconds

        if pollEvery != nil, connector.read.isEmpty {
            body.refuse(
                "schedule", "\(connector.title) is not polled: it is pushed or imported; leave the schedule out")
        }
        if backfillSince != nil, connector.read.isEmpty {
            body.refuse("backfill_since", "\(connector.title) is not polled, so there is no past to read; leave it out")
        }
        if webhookSecret != nil, connector.receive == nil {
            body.refuse("webhook_secret", "\(connector.title) sends no webhooks; leave it out")
        }
        if asked == .register, registration != .automatic {
            if case .manual(let why?) = registration {
                body.refuse("webhook", why)
            } else {
                body.refuse("webhook", "\(connector.title) has no webhooks that we could make; leave it out")
            }
        }
        connector.checkSignature(in: entity, body)
        if let mapping, let reason = connector.rejection(of: mapping) { body.refuse("mapping", reason) }
    }

    /// What a caller may say of who makes the webhook.
    private enum WebhookMaker: String, Sendable, CaseIterable { case register, manual }

    private static func registration(
        of connection: ConnectionPlan, _ entity: [String: JSON], secret: Secret?, _ asked: WebhookMaker?,
        _ publicURL: String
    ) -> Registration {
        guard let receiver = connection.connector.receive else { return .none }
        guard let subscription = receiver.subscription, asked != .manual else { return .manual(nil) }
        if secret != nil { return .manual("the secret is given, so the webhook is there") }
        guard PublicAddress.isPublic(publicURL) else {
            return .manual("no provider could send to \(publicURL); set http.public_url to an address that is public")
        }
        let scope = MappingScope(item: nil, entity: entity, config: connection.values)
        guard subscription.when?.holds(in: scope) ?? true else {
            return .manual(
                "\(connection.connector.title) makes webhooks for those only who are allowed \(subscription.permission)"
            )
        }
        return .automatic
    }

    /// The record of a new stream.
    func record(
        _ id: StreamID, connection: ConnectionID, workspace: WorkspaceRecord, secret: Secret?, vault: Vault,
        status: StreamRecord.Status, at now: Timestamp
    )
        throws -> StreamRecord
    {
        StreamRecord(
            id: id, workspace: workspace.id, connection: connection, connector: connector.name, name: name,
            entity: entity, pollEvery: pollEvery, backfillSince: backfillSince, mapping: mapping, status: status,
            webhookSecrets: try secret.map {
                [StreamRecord.WebhookSecret(sealed: try vault.seal($0, sealedKey: workspace.sealedKey))]
            } ?? [], createdAt: now)
    }
}

extension Manifest {
    /// Has `body` say what is wrong with the signature scheme that an entity brings, if it brings one.
    func checkSignature(in entity: [String: JSON], _ body: BodyObject) {
        guard let field = receive?.signatureField, let scheme = entity[field] else { return }
        do throws(SignatureSchemeError) {
            _ = try SignatureScheme(scheme)
        } catch {
            body.refuse("entity/\(field)", "\(error)")
        }
    }

    /// Why a stream's own mapping cannot be used; nil if it can.
    func rejection(of mapping: JSON) -> String? {
        do throws(MappingError) {
            _ = try Mapper(manifest: self, stream: StreamFacts(mapping: mapping))
            return nil
        } catch {
            return error.reason
        }
    }
}

extension BodyObject {
    /// An object of settings whose members are the connector's affair; empty if it is absent, nil if it is no object.
    func settings(_ name: String) -> [String: JSON]? {
        guard let value = value(name) else { return [:] }
        guard let members = value.object else {
            refuse(name, "must be an object")
            return nil
        }
        return members
    }
}

extension Secret {
    /// A new webhook secret as Standard Webhooks has them: `whsec_` and 32 random bytes in base 64.
    static func makeWebhookSecret() -> Secret {
        Secret("whsec_" + Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString())
    }
}
