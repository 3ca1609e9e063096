import ByteJSON
import Common
import Hummingbird
import ServiceKit

/// `GET /v1/raw/{partition}/{offset}`: the payload that a piece of feedback was read from, as long as the log has it.
struct RawEventRoutes: Sendable {
    let log: any EventLog
    let directory: Directory

    func add(to router: Router<APIContext>) {
        router.get("/v1/raw/{partition}/{offset}") { try await show($0, $1) }
    }

    private func show(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(parameters: ["workspace_id"])
        _ = try query.require("workspace_id")
        guard let id: WorkspaceID = try query.identifier("workspace_id", of: WorkspaceKind.self) else {
            throw Problem.badRequest("parameter `workspace_id` is required")
        }
        let workspace = try directory.current.workspace(id, for: caller)
        let missing = Problem.notFound(
            "no raw event of workspace \(id) at this place; raw events are kept for a bounded time")
        guard let partition = context.parameters.get("partition").flatMap({ Int($0) }),
            let offset = context.parameters.get("offset").flatMap({ Int64($0) }), offset >= 0,
            (0..<Topic.raw.partitions).contains(partition)
        else { throw missing }
        let records = try await log.read(.raw, partition: partition, from: offset, limit: 1)
        guard !records.isEmpty, records.offset(at: 0) == offset,
            records.headers(at: 0)[RawHeader.workspace] == workspace.id.rawValue
        else { throw missing }

        var w = JSONWriter()
        w.beginObject()
        w.member("partition", partition)
        w.member("offset", offset)
        w.member("appended_at", records.timestamp(at: 0).description)
        if let key = records.key(at: 0) { w.member("key", String(decoding: key, as: UTF8.self)) }
        w.key("headers")
        w.beginObject()
        for header in records.headers(at: 0).all {
            w.member(header.name, String(decoding: header.value, as: UTF8.self))
        }
        w.endObject()
        w.payload(records.value(at: 0).map(Array.init))
        w.endObject()
        return .json(bytes: w.bytes)
    }
}
