import ByteJSON
import Common
import Foundation
import HTTPTypes
public import Hummingbird
public import ServiceKit

/// `/v1/channels`: the places outside that notices go to.
public struct ChannelRoutes: Sendable {
    private let notices: Notices
    private let jobs: JobEngine

    public init(_ notices: Notices, jobs: JobEngine) {
        self.notices = notices
        self.jobs = jobs
    }

    public func add(to router: Router<APIContext>) {
        router.get("/v1/channels") { try await list($0, $1) }
        router.post("/v1/channels") { try await make($0, $1) }
        router.get("/v1/channels/{channel}") { request, context -> Response in
            _ = try request.requireOnly()
            return Response.json(try await channel(context, .read).json)
        }
        router.delete("/v1/channels/{channel}") { request, context -> Response in
            _ = try request.requireOnly()
            let channel = try await channel(context, .manage)
            try await notices.database.write { try ChannelTable(connection: $0).delete(channel.id) }
            return Response(status: .noContent)
        }
        router.post("/v1/channels/{channel}/enable") { request, context -> Response in
            _ = try request.requireOnly()
            var channel = try await channel(context, .manage)
            channel.disabled = nil
            try await notices.database.write { [channel] in try ChannelTable(connection: $0).update(channel) }
            return Response.json(channel.json)
        }
        router.post("/v1/channels/{channel}/rotate-secret") { try await rotate($0, $1) }
        router.post("/v1/channels/{channel}/test") { try await test($0, $1) }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.read)
        let query = try request.requireOnly(parameters: ["workspace_id"] + Page.parameters)
        let page = try Page(query, keys: 1)
        let workspaces = try notices.directory.current.workspaces(query, for: caller)
        let before = page.after?.keys[0].string.flatMap { ChannelID($0) }
        let found = try await notices.database.read {
            try ChannelTable(connection: $0).list(of: workspaces, before: before, limit: page.limit + 1)
        }
        return page.response("channels", found, id: { $0.id.rawValue }, json: \.json)
    }

    private func make(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try context.requireCaller(.manage)
        _ = try request.requireOnly()
        let body = try await request.jsonObject(limit: 16_384)
        let id = body.identifier("workspace_id", of: WorkspaceKind.self, required: true)
        let kind = body.choice("kind", of: Channel.Kind.allCases, required: true)
        let url = body.string("url", length: 8...2000, required: true)
        let host = url.flatMap(Self.host)
        if url != nil, host == nil { body.refuse("url", "must be an address that begins with https:// or http://") }
        let name = body.string("name") ?? host ?? ""
        try body.finish()
        guard let id, let kind, let url, let host else { throw Problem.badRequest("the body is not complete") }
        let workspace = try notices.directory.current.workspace(id, for: caller)
        let secret = kind == .webhook ? StandardWebhook.makeSecret() : nil
        let sealed = try secret.map { try notices.vault.seal($0, sealedKey: workspace.sealedKey) }
        let channel = Channel(
            id: .make(at: notices.now()), workspace: workspace.id, kind: kind, name: name, host: host,
            sealedAddress: try notices.vault.seal(Secret(url), sealedKey: workspace.sealedKey),
            secrets: sealed.map { [Channel.SealedSecret(sealed: $0)] } ?? [], createdAt: notices.now())
        try await notices.database.write { [most = notices.settings.maximumChannels] connection in
            let table = ChannelTable(connection: connection)
            guard try table.count(of: channel.workspace) < most else {
                throw Problem.conflict("\(channel.workspace) has \(most) channels, and no more may be; delete some")
            }
            try table.insert(channel)
        }
        var response = Response.json(Self.view(channel, secret: secret), status: .created)
        response.headers[.location] = "/v1/channels/\(channel.id)"
        return response
    }

    /// Adds a secret; what is sent for some hours more is signed with the one before, too.
    private func rotate(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let channel = try await channel(context, .manage)
        guard channel.kind == .webhook else {
            throw Problem.conflict(
                "\(channel.id) is of kind \(channel.kind.rawValue) and has no secret but its address")
        }
        guard let workspace = notices.directory.current.workspaces[channel.workspace] else {
            throw Problem.notFound("no workspace \(channel.workspace)")
        }
        let secret = StandardWebhook.makeSecret()
        let sealed = try notices.vault.seal(secret, sealedKey: workspace.sealedKey)
        let now = notices.now()
        let until = now.advanced(bySeconds: 86_400)
        let changed = try await notices.database.write { connection -> Channel in
            let table = ChannelTable(connection: connection)
            var current = try table.channel(channel.id) ?? channel
            let valid = current.secrets.filter { $0.notAfter.map { $0 > now } ?? true }.prefix(3)
            current.secrets =
                [Channel.SealedSecret(sealed: sealed)]
                + valid.map { Channel.SealedSecret(sealed: $0.sealed, notAfter: min($0.notAfter ?? until, until)) }
            try table.update(current)
            return current
        }
        return Response.json(Self.view(changed, secret: secret))
    }

    private func test(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try request.requireOnly()
        let channel = try await channel(context, .manage)
        let now = notices.now()
        let content = NoticeContent(
            event: "channel.test", subject: "\(channel.id) \(now)", title: "A test of Earshot",
            text: "This channel is set up: notices of the workspace arrive here.",
            facts: [.init("Channel", channel.name)], data: ["channel_id": .string(channel.id.rawValue)])
        let notice = try await notices.database.write { [notices] connection -> NoticeID? in
            try notices.put(content, to: [.channel(channel.id)], of: channel.workspace, in: connection)
            return try NoticeTable(connection: connection).list(
                of: [channel.workspace], recipient: channel.id.rawValue, before: nil, limit: 1
            ).first?.id
        }
        jobs.wake()
        return Response.json(
            ["channel_id": .string(channel.id.rawValue), "notice_id": notice.map { .string($0.rawValue) } ?? .null],
            status: .accepted)
    }

    private func channel(_ context: APIContext, _ scope: Scope) async throws -> Channel {
        let caller = try context.requireCaller(scope)
        let id = try context.identifier("channel", of: ChannelKind.self)
        let found = try await notices.database.read { try ChannelTable(connection: $0).channel(id) }
        guard let found, (try? notices.directory.current.workspace(found.workspace, for: caller)) != nil else {
            throw Problem.notFound("no channel \(id) in this account; `GET /v1/channels` lists them")
        }
        return found
    }

    private static func view(_ channel: Channel, secret: Secret?) -> JSON {
        var members = channel.json.object ?? [:]
        members["secret"] = secret.map { .string($0.reveal()) }
        return .object(members)
    }

    private static func host(_ url: String) -> String? {
        guard let parts = URLComponents(string: url), ["https", "http"].contains(parts.scheme?.lowercased()),
            let host = parts.host?.lowercased(), !host.isEmpty, parts.user == nil, !host.contains(" ")
        else { return nil }
        return parts.port.map { "\(host):\($0)" } ?? host
    }
}
