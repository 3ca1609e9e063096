import ByteJSON
import Common
import Connectors
import ServiceKit

/// A stream's webhook at its provider: finds it there, makes it, deletes it.
///
/// What a request comes to is a ``JobFailure``: what may pass is tried again, what the provider refuses is not.
struct ProviderHook: Sendable {
    let manifest: Manifest
    let subscription: Subscription
    /// The connection's settings, secrets included.
    let config: [String: JSON]
    let entity: [String: JSON]
    let stream: StreamID
    /// Names the hook, where the provider's have names.
    let name: String
    /// Where it sends.
    let url: String
    /// What it signs with; nil where it is only to be deleted.
    var secret: Secret?
    let transport: any HTTPTransport
    let timeout: Int
    let now: Timestamp

    /// The ids of the hooks that send to us; empty where the provider's are not listed.
    func find() async throws -> [String] {
        guard let list = subscription.list else { return [] }
        let answer = try await send(list.request, "its webhooks cannot be listed")
        guard let document = try? JSONDocument(parsing: answer.body),
            let items = Path(list.items).value(in: document.root)
        else { throw JobFailure.rejected("\(manifest.title) answered something else than a list of webhooks") }
        return items.elements.compactMap { item in
            let scope = scope(item, document.root)
            guard list.url.evaluate(in: scope)?.string == url else { return nil }
            return list.id.evaluate(in: scope)?.string
        }
    }

    /// Makes the hook.
    ///
    /// - Returns: Its id.
    func make() async throws -> String {
        let answer = try await send(subscription.create, "the webhook could not be made")
        let document = try? JSONDocument(parsing: answer.body.isEmpty ? Array("{}".utf8) : answer.body)
        guard let root = document?.root, let id = subscription.id.evaluate(in: scope(root, root))?.string else {
            throw JobFailure.rejected("\(manifest.title) made a webhook and did not say its id")
        }
        return id
    }

    /// Deletes a hook; one that is not there is deleted.
    func delete(_ id: String) async throws {
        _ = try await send(subscription.delete, "the webhook could not be deleted", id: id, missing: true)
    }

    /// Deletes all hooks that send to us, this one among them.
    ///
    /// - Parameter known: The id of the one that we made; nil if we do not know whether we made one.
    func deleteAll(_ known: String?) async throws {
        var ids = known.map { [$0] } ?? []
        do {
            ids += try await find().filter { $0 != known }
        } catch JobFailure.rejected(let reason) {
            // Whoever may not list hooks could not make one, unless that was forbidden later.
            if known == nil { throw JobFailure.rejected(reason) }
        }
        for id in ids { try await delete(id) }
    }

    // MARK: -

    private func scope(_ item: JSONValue, _ root: JSONValue) -> MappingScope {
        MappingScope(
            item: item, root: root, entity: entity, config: config, stream: ["id": .string(stream.rawValue)])
    }

    private func send(
        _ template: RequestTemplate, _ what: String, id: String? = nil, missing: Bool = false
    ) async throws -> IncomingResponse {
        var hook: [String: JSON] = [
            "url": .string(url), "name": .string(name), "stream": .string(stream.rawValue),
        ]
        hook["secret"] = secret.map { .string($0.reveal()) }
        hook["id"] = id.map { .string($0) }
        var limits = HTTPLimits()
        limits.totalTimeout = .seconds(timeout)
        limits.maximumBodyBytes = 4 << 20
        let values = TemplateValues(config: config, entity: entity, hook: hook, now: now)
        let answer: IncomingResponse
        do {
            answer = try await transport.send(template.build(values, auth: manifest.auth, limits: limits))
        } catch let error as TemplateError {
            throw JobFailure.rejected("\(error)")
        } catch let error as HTTPTransportError {
            if error == .cancelled { throw CancellationError() }
            let reason = "\(manifest.title) was not reached: \(error)"
            throw error.isTransient ? JobFailure.unavailable(reason) : .rejected(reason)
        }
        switch answer.status {
        case 200..<300: return answer
        case 404 where missing, 410 where missing: return answer
        default: throw failure(answer, what)
        }
    }

    private func failure(_ answer: IncomingResponse, _ what: String) -> JobFailure {
        let status = answer.status
        let wait = answer["Retry-After"].flatMap { Double($0) }.map { Duration.seconds(min(max(0, $0), 3600)) }
        let remaining = manifest.read.compactMap(\.rate.remaining).first.flatMap { answer[$0] }
        let isUsedUp = (400..<500).contains(status) && (wait != nil || remaining == "0")
        let title = manifest.title
        if status >= 500 || [408, 425, 429].contains(status) || isUsedUp {
            return .unavailable("\(what): \(title) answered \(status)", retryAfter: wait)
        }
        switch status {
        case 401, 403, 404, 410:
            return .rejected(
                "\(what): \(title) answered \(status); the credentials must be allowed \(subscription.permission), or say \"webhook\": \"manual\" and make the webhook by hand"
            )
        default:
            let said = String(decoding: answer.body.prefix(300), as: UTF8.self).filter { !$0.isNewline }
            return .rejected("\(what): \(title) answered \(status)\(said.isEmpty ? "" : ": \(said)")")
        }
    }
}
