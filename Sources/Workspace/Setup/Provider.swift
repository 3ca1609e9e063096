import ByteJSON
import Common
import Connectors

/// Asks a provider whether a connection works, and what it has.
struct Provider: Sendable {
    /// An entity that could be followed.
    struct Candidate: Sendable {
        var title: String
        var entity: [String: JSON]
    }

    /// Why a provider could not be asked or said no: the thing, the reason, the next step.
    struct Refusal: Error, Sendable, CustomStringConvertible {
        var description: String
        /// Whether asking later may help.
        var mayPass = false
    }

    let transport: any HTTPTransport
    let timeout: Int
    let now: @Sendable () -> Timestamp

    /// Tries the connection and the entity: with the connector's check, or what would be read first.
    ///
    /// A connection without an entity may lack what the first request needs; then there is nothing to try yet. A
    /// provider that is there and wants us to wait has not refused anything.
    func check(_ connection: ConnectionPlan, entity: [String: JSON]) async throws(Refusal) {
        let request: OutgoingRequest?
        do {
            request = try connection.connector.checkRequest(
                config: connection.values, entity: entity, limits: limits, now: now())
        } catch {
            if entity.isEmpty { return }
            throw Refusal(description: "\(error)")
        }
        guard let request else { return }
        let title = connection.connector.title
        let response = try await sendPatiently(request, title: title)
        if !(200..<300).contains(response.status), response.status != 429 {
            throw Refusal(
                description: Self.reason(response.status, title: title),
                mayPass: response.status >= 500 || [408, 425].contains(response.status))
        }
    }

    /// The entities that the connection could follow.
    func discover(_ connection: ConnectionPlan) async throws(Refusal) -> [Candidate] {
        guard let discovery = connection.connector.discover else {
            throw Refusal(
                description: "\(connection.connector.title) cannot list its entities; name the entity yourself")
        }
        let response = try await ask(discovery.request, connection, [:])
        guard let document = try? JSONDocument(parsing: response.body),
            let items = Path(discovery.items).value(in: document.root)
        else {
            throw Refusal(description: "\(connection.connector.title) answered something else than a list of entities")
        }
        return items.elements.prefix(1000).map { item in
            let scope = MappingScope(item: item, root: document.root, config: connection.config)
            var entity: [String: JSON] = [:]
            for (name, value) in discovery.entity { entity[name] = value.evaluate(in: scope)?.json }
            return Candidate(title: discovery.title.evaluate(in: scope)?.string ?? "", entity: entity)
        }
    }

    private func ask(_ template: RequestTemplate, _ connection: ConnectionPlan, _ entity: [String: JSON])
        async throws(Refusal) -> IncomingResponse
    {
        let request: OutgoingRequest
        do {
            let values = TemplateValues(config: connection.values, entity: entity, now: now())
            request = try template.build(values, auth: connection.connector.auth, limits: limits)
        } catch {
            throw Refusal(description: "\(error)")
        }
        let title = connection.connector.title
        let response = try await send(request, title: title)
        guard (200..<300).contains(response.status) else {
            throw Refusal(description: Self.reason(response.status, title: title))
        }
        return response
    }

    private var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.totalTimeout = .seconds(timeout)
        limits.maximumBodyBytes = 4 << 20
        return limits
    }

    /// Asks once more where the provider failed or was not reached: providers stumble.
    private func sendPatiently(_ request: OutgoingRequest, title: String) async throws(Refusal) -> IncomingResponse {
        do throws(HTTPTransportError) {
            let response = try await transport.send(request)
            if response.status < 500 { return response }
        } catch {
            guard error.isTransient else { throw Self.unreached(title, error) }
        }
        try? await Task.sleep(for: .seconds(1))
        return try await send(request, title: title)
    }

    private func send(_ request: OutgoingRequest, title: String) async throws(Refusal) -> IncomingResponse {
        do throws(HTTPTransportError) {
            return try await transport.send(request)
        } catch {
            throw Self.unreached(title, error)
        }
    }

    private static func unreached(_ title: String, _ error: HTTPTransportError) -> Refusal {
        Refusal(description: "\(title) was not reached: \(error)", mayPass: error.isTransient)
    }

    private static func reason(_ status: Int, title: String) -> String {
        switch status {
        case 401, 403: "\(title) refuses the credentials (\(status)); see that they are right and may read this"
        case 404, 410: "\(title) knows no such thing (\(status)); see that the address and the names are right"
        case 429: "\(title) takes no more requests for now (429); try again in a few minutes"
        case 500...: "\(title) failed (\(status)); try again later"
        default: "\(title) answered \(status); see that the settings are right"
        }
    }
}
