import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import NIOCore

/// What orchestrators and Prometheus ask: is it alive, can it work, what has it done.
struct ProbeRoutes: Sendable {
    let roles: [Role]
    let log: any EventLog
    let metrics: Metrics

    func add(to router: Router<APIContext>) {
        router.get("/live") { _, _ in Response.json(["status": "live"]) }
        router.get("/ready") { _, _ in try await ready() }
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: await metrics.scrape())))
        }
    }

    private func ready() async throws -> Response {
        let checks = await checks()
        let ailing = checks.filter { !$0.isHealthy }
        guard ailing.isEmpty else {
            throw Problem(
                .serviceUnavailable, code: "not_ready",
                "not ready: \(ailing.map(\.name).joined(separator: ", ")); see errors", retryAfter: 1,
                errors: ailing.map { (at: $0.name, reason: $0.reason ?? "no reason given") })
        }
        var answer: [String: JSON] = ["status": "ready", "checks": .array(checks.map { .string($0.name) })]
        let notes = Set(checks.compactMap { check in check.reason.map { "\(check.name): \($0)" } })
        if !notes.isEmpty { answer["notes"] = .array(notes.sorted().map { .string($0) }) }
        return .json(.object(answer))
    }

    private func checks() async -> [HealthCheck] {
        await withTaskGroup(of: (Int, [HealthCheck]).self) { group in
            group.addTask { (-1, [HealthCheck(await log.health())]) }
            for (i, role) in roles.enumerated() { group.addTask { (i, await role.readiness()) } }
            var found: [(Int, [HealthCheck])] = []
            for await checks in group { found.append(checks) }
            return found.sorted { $0.0 < $1.0 }.flatMap { $0.1 }
        }
    }
}
