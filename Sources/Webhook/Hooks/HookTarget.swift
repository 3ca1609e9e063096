import ByteJSON
import Common
import Connectors
import HTTPTypes
import Logging
import ServiceKit
import Synchronization

/// Everything that receiving for one stream needs, prepared once.
final class HookTarget: Sendable {
    let stream: StreamRecord
    let receiver: Receiver
    let verifier: SignatureVerifier
    let deliveryPlaces: [DeliveryPlace]
    /// The facts that every raw event of the stream carries.
    let headers: RecordHeaders
    let rate: RateBound

    init(
        stream: StreamRecord, receiver: Receiver, verifier: SignatureVerifier, headers: RecordHeaders, rate: RateBound
    ) {
        self.stream = stream
        self.receiver = receiver
        self.verifier = verifier
        deliveryPlaces = receiver.deliveryID.map(DeliveryPlace.init)
        self.headers = headers
        self.rate = rate
    }

    /// Whether the stream takes bodies of this type; one without a type is read as JSON.
    func takes(_ contentType: String?) -> Bool {
        let contentType = contentType ?? "application/json"
        if receiver.contentTypes.contains(contentType) { return true }
        let type = MediaType(contentType)
        return receiver.contentTypes.contains(where: type.isA)
    }
}

/// The type in `Content-Type`, in lower case, without parameters.
struct MediaType: Sendable {
    let text: String

    init(_ header: String) {
        let end = header.utf8.firstIndex(of: UInt8(ascii: ";")) ?? header.endIndex
        text = header[..<end].lowercased().filter { $0 != " " && $0 != "\t" }
    }

    /// `application/vnd.vendor+json` is an `application/json` as well.
    func isA(_ type: String) -> Bool {
        text == type || type == "application/json" && text.hasPrefix("application/") && text.hasSuffix("+json")
    }
}

/// The targets of all streams, prepared when a delivery first comes and again after the directory changed.
///
/// So a secret is opened once for each change of the directory, not once for each delivery.
final class HookTargets: Sendable {
    private struct State {
        var revision: Int64 = -1
        var targets: [String: HookTarget] = [:]
        var rates: [StreamID: RateBound] = [:]
    }
    private let state = Mutex(State())
    private let directory: Directory
    private let connectors: ConnectorRegistry
    private let vault: Vault
    private let deliveriesPerSecond: Int
    private let logger: Logger

    init(
        directory: Directory, connectors: ConnectorRegistry, vault: Vault, deliveriesPerSecond: Int, logger: Logger
    ) {
        self.directory = directory
        self.connectors = connectors
        self.vault = vault
        self.deliveriesPerSecond = deliveriesPerSecond
        self.logger = logger
    }

    /// The target that a path names.
    ///
    /// - Throws: ``Problem`` 404 for no stream or one that is not pushed to, 410 for a deleted one, 503 if its
    ///   connector is not loaded, or if it is not known and the log cannot tell.
    func target(_ id: String) async throws -> HookTarget {
        if let known = known(id) { return known }
        let snapshot = try await snapshot(for: id)
        let target = try prepare(id, snapshot)
        state.withLock { state in
            if state.revision == snapshot.revision { state.targets[id] = target }
        }
        return target
    }

    /// The target, if it was asked for since the directory changed: the way of all deliveries but a few.
    func known(_ id: String) -> HookTarget? {
        let revision = directory.revision
        return state.withLock { state in
            if state.revision < revision {
                state.revision = revision
                state.targets = [:]
            }
            return state.targets[id]
        }
    }

    private func snapshot(for id: String) async throws -> Directory.Snapshot {
        guard let stream = StreamID(id) else { return directory.current }
        do {
            return try await directory.current(with: stream)
        } catch let error as EventLogError {
            throw Problem.unavailable("the stream is not known here, and \(error)", retryAfter: 5)
        }
    }

    private func prepare(_ id: String, _ snapshot: Directory.Snapshot) throws -> HookTarget {
        guard let streamID = StreamID(id), let stream = snapshot.streams[streamID],
            let workspace = snapshot.workspaces[stream.workspace]
        else { throw Problem.notFound("no stream has this address; copy it again from the stream's settings") }
        guard stream.status != .deleted, !workspace.isDeleted else {
            throw Problem(.gone, code: "gone", "this stream was deleted; stop sending to it")
        }
        guard let manifest = connectors[stream.connector] else {
            logger.error(
                "a delivery came for a connector that is not loaded",
                metadata: [
                    "connector": "\(stream.connector)", "stream": "\(stream.id)",
                ])
            throw Problem.unavailable("connector `\(stream.connector)` is not loaded", retryAfter: 60)
        }
        guard let receiver = manifest.receive else {
            throw Problem.notFound("streams of \(manifest.title) are polled, nothing can be sent to them")
        }
        let secrets = stream.webhookSecrets.compactMap { secret -> SigningSecret? in
            do {
                return SigningSecret(
                    try vault.open(secret.sealed, sealedKey: workspace.sealedKey), notAfter: secret.notAfter)
            } catch {
                logger.error(
                    "a webhook secret cannot be opened and is passed over",
                    metadata: [
                        "stream": "\(stream.id)", "error": "\(error)",
                    ])
                return nil
            }
        }
        return HookTarget(
            stream: stream, receiver: receiver,
            verifier: SignatureVerifier(schemes: schemes(of: receiver, stream), secrets: secrets),
            headers: [
                RawHeader.workspace: stream.workspace.rawValue, RawHeader.connection: stream.connection.rawValue,
                RawHeader.stream: stream.id.rawValue, RawHeader.connector: manifest.identity, RawHeader.how: "push",
            ],
            rate: rate(of: streamID))
    }

    /// The stream's own scheme where its settings hold one, else the receiver's.
    ///
    /// One that cannot be read accepts nothing.
    private func schemes(of receiver: Receiver, _ stream: StreamRecord) -> [SignatureScheme] {
        guard let field = receiver.signatureField, let settings = stream.entity[field], settings != .null else {
            return receiver.signatures
        }
        do {
            return [try SignatureScheme(settings)]
        } catch {
            logger.error(
                "a stream's signature scheme cannot be read",
                metadata: [
                    "stream": "\(stream.id)", "error": "\(error)",
                ])
            return []
        }
    }

    private func rate(of stream: StreamID) -> RateBound {
        state.withLock { state in
            if let rate = state.rates[stream] { return rate }
            let rate = RateBound(perSecond: deliveriesPerSecond)
            state.rates[stream] = rate
            return rate
        }
    }
}
