import ByteJSON
import Common
import Foundation
import Hummingbird
import ServiceKit

/// `/v1/dead-letters`: look at what failed, send it through again, or let it go.
struct DeadLetterRoutes: Sendable {
    let store: DeadLetterStore
    let replay: Replay
    let directory: Directory
    let now: @Sendable () -> Timestamp

    /// How many events one call replays, and how many dead letters it drops.
    static let replayLimit = 500

    func add(to router: Router<APIContext>) {
        router.get("/v1/dead-letters") { try await list($0, $1) }
        router.get("/v1/dead-letters/{id}") { try await show($0, $1) }
        router.post("/v1/dead-letters/replay") { try await replayMany($0, $1) }
        router.post("/v1/dead-letters/{id}/replay") { try await replayOne($0, $1) }
        router.delete("/v1/dead-letters/{id}") { try await dropOne($0, $1) }
        router.post("/v1/dead-letters/drop") { try await dropMany($0, $1) }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(
            parameters: ["workspace_id", "stage", "stream_id", "replayed"] + Page.parameters)
        let page = try Page(query, keys: 2)
        var filter = DeadLetterStore.Filter(
            workspaces: try visible(try query.identifier("workspace_id", of: WorkspaceKind.self), to: caller),
            stage: try query.choice("stage"), stream: try query.identifier("stream_id"))
        filter.isReplayed = try query.choice("replayed", of: Flag.self).map { $0 == .true }
        let cursor = try page.after.map { after in
            guard let at = after.keys[0].integer, let id = after.keys[1].string else {
                throw Problem.badRequest("parameter `cursor` is not one of this list")
            }
            return DeadLetterStore.Cursor(at: Timestamp(milliseconds: at), id: id)
        }
        let found = try await store.page(filter, after: cursor, limit: page.limit + 1)
        let (entries, next) = page.cut(found) { [.integer($0.at.milliseconds), .string($0.id.rawValue)] }
        var w = JSONWriter()
        w.beginObject()
        w.key("dead_letters")
        w.beginArray()
        for entry in entries {
            w.beginObject()
            entry.write(to: &w)
            w.endObject()
        }
        w.endArray()
        w.member("total", try await store.count(filter))
        if let next { w.member("next_cursor", next.text) }
        w.endObject()
        return .json(bytes: w.bytes)
    }

    private enum Flag: String, CaseIterable { case `true`, `false` }

    private func show(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        _ = try request.requireOnly()
        let entry = try await entry(context, for: caller)
        var w = JSONWriter()
        w.beginObject()
        entry.write(to: &w)
        if let original = try? await replay.original(of: entry) {
            if let key = original.key { w.member("key", String(decoding: key, as: UTF8.self)) }
            w.key("headers")
            w.beginObject()
            for header in original.headers where header.count == 2 { w.member(header[0], header[1]) }
            w.endObject()
            w.payload(original.payload)
        }
        w.endObject()
        return .json(bytes: w.bytes)
    }

    private func replayOne(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.write)
        _ = try request.requireOnly()
        let entry = try await entry(context, for: caller)
        if let at = entry.replayedAt { throw Problem.conflict("\(entry.id) was replayed at \(at)") }
        let mended = try await mendedPayload(request)
        if let refusal = try await replay([entry], payload: mended).refused.first {
            throw Problem.conflict(refusal.description)
        }
        return .json(["id": .string(entry.id.rawValue), "replayed": true], status: .accepted)
    }

    /// Replays what matches, the latest first, and tells how many are left: call again with the same `until` until
    /// none are.
    private func replayMany(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.write)
        let (filter, until) = try await open(request, for: caller)
        var replayed = 0
        var refused: [ReplayError] = []
        var cursor: DeadLetterStore.Cursor?
        while replayed < Self.replayLimit {
            let entries = try await store.page(filter, after: cursor, limit: Self.replayLimit - replayed)
            guard let last = entries.last else { break }
            let outcome = try await replay(entries)
            replayed += outcome.events
            refused += outcome.refused
            cursor = DeadLetterStore.Cursor(at: last.at, id: last.id.rawValue)
        }
        return .json(
            [
                "replayed": .integer(Int64(replayed)),
                "refused": .array(refused.prefix(Page.maximum).map { .string($0.description) }),
                "remaining": .integer(Int64(try await store.count(filter))), "until": .string(until.description),
            ], status: .accepted)
    }

    private func dropOne(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.write)
        _ = try request.requireOnly()
        try await drop([try await entry(context, for: caller)])
        return Response(status: .noContent)
    }

    /// Drops what matches and was not replayed, and tells how many are left, as ``replayMany(_:_:)`` does.
    private func dropMany(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.write)
        let (filter, until) = try await open(request, for: caller)
        let entries = try await store.page(filter, limit: Self.replayLimit)
        try await drop(entries)
        return .json([
            "dropped": .integer(Int64(entries.count)), "remaining": .integer(Int64(try await store.count(filter))),
            "until": .string(until.description),
        ])
    }

    /// Forgets dead letters; whoever counts what is missing counts them no more.
    private func drop(_ entries: [DeadLetterStore.Entry]) async throws {
        var closed = RecordBatch()
        for entry in entries where entry.replayedAt == nil { closed.appendTombstone(key: entry.id.rawValue) }
        if !closed.isEmpty { try await replay.log.append(closed, to: .deadLetters) }
        try await store.drop(entries.map(\.id))
    }

    /// The dead letters that a body names, of those that were not replayed, up to a time.
    private func open(
        _ request: Request, for caller: Caller
    ) async throws -> (filter: DeadLetterStore.Filter, until: Timestamp) {
        _ = try request.requireOnly()
        let body = try await request.jsonObject()
        let workspace = body.identifier("workspace_id", of: WorkspaceKind.self)
        let stage = body.choice("stage", of: DeadLetter.Stage.allCases)
        let stream = body.identifier("stream_id", of: StreamKind.self)
        let until = body.timestamp("until") ?? now()
        try body.finish()
        return (
            DeadLetterStore.Filter(
                workspaces: try visible(workspace, to: caller), stage: stage, stream: stream, isReplayed: false,
                until: until), until
        )
    }

    /// `{"payload": "…"}` is the payload itself; any other JSON value there is sent as JSON.
    private func mendedPayload(_ request: Request) async throws -> [UInt8]? {
        let bytes = try await request.bytes(limit: 16 << 20)
        guard !bytes.isEmpty else { return nil }
        let root: JSONValue
        do {
            root = try JSONDocument(parsing: bytes).root
        } catch {
            throw Problem.badRequest("the body is \(error)")
        }
        let members = Array(root.members)
        guard root.kind == .object, members.allSatisfy({ $0.name == "payload" }) else {
            throw Problem.badRequest(
                "send nothing, or {\"payload\": …} with the mended payload as a text or as the JSON that it is")
        }
        return members.last.map { member in member.value.string.map { Array($0.utf8) } ?? Array(member.value.raw) }
    }

    /// A dead letter that this caller may see.
    private func entry(_ context: APIContext, for caller: Caller) async throws -> DeadLetterStore.Entry {
        let id = try context.identifier("id", of: DeadLetterKind.self)
        let missing = Problem.notFound("no dead letter \(id) in this account")
        guard let entry = try await store.entry(id) else { throw missing }
        if caller.scopes.contains(.admin) { return entry }
        guard let workspace = entry.workspace, (try? directory.current.workspace(workspace, for: caller)) != nil else {
            throw missing
        }
        return entry
    }

    /// The workspaces whose dead letters this caller may see; nil is all.
    private func visible(_ workspace: WorkspaceID?, to caller: Caller) throws -> [WorkspaceID]? {
        if let workspace { return [try directory.current.workspace(workspace, for: caller).id] }
        if caller.scopes.contains(.admin) { return nil }
        return directory.current.workspaces.values.filter { $0.account == caller.account && !$0.isDeleted }.map(\.id)
    }
}

extension DeadLetterStore.Entry {
    /// The members of an entry, for an object that is open.
    func write(to w: inout JSONWriter) {
        w.member("id", id.rawValue)
        if let workspace { w.member("workspace_id", workspace.rawValue) }
        if let stream { w.member("stream_id", stream) }
        w.member("stage", stage)
        w.member("reason", reason)
        w.member("attempts", attempts)
        w.member("at", at.description)
        w.member("topic", event.topic)
        w.member("partition", event.partition)
        w.member("offset", event.offset)
        w.member("item", item)
        if let replayedAt { w.member("replayed_at", replayedAt.description) }
    }
}

extension JSONWriter {
    /// A payload as text where it is UTF-8, else in base 64.
    mutating func payload(_ bytes: [UInt8]?) {
        guard let bytes else { return }
        if let text = String(validating: bytes, as: UTF8.self) {
            member("payload", text)
        } else {
            member("payload_base64", Data(bytes).base64EncodedString())
        }
    }
}
