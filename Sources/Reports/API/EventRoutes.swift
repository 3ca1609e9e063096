import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceKit
import ServiceLifecycle

/// `GET /v1/events`: new, changed and deleted feedback as server-sent events, as it is stored.
struct EventRoutes: Sendable {
    let live: LiveFeedback
    let directory: Directory

    func add(to router: Router<APIContext>) {
        router.get("/v1/events") { request, context in
            try listen(request, try context.requireCaller(.read))
        }
    }

    private func listen(_ request: Request, _ caller: Caller) throws -> Response {
        let parameters = try Parameters(query: request)
        try parameters.requireOnly(["workspace_id"])
        let only =
            try parameters.one("workspace_id") == nil
            ? nil : parameters.workspace(in: directory.current, for: caller).id
        let last = request.headers[.lastEventID].map(number(in:))
        guard let subscription = live.subscribe(after: last) else {
            throw Problem.unavailable("too many listen already; try again later, or poll /v1/feedback", retryAfter: 30)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: .init { writer in
                defer { _ = live.unsubscribe(subscription) }
                try await withGracefulShutdownHandler {
                    try await writer.write(ByteBuffer(string: Self.greeting(hasGap: subscription.hasGap)))
                    for await signal in subscription.signals {
                        let text = self.text(of: signal, for: caller, only: only)
                        if !text.isEmpty { try await writer.write(ByteBuffer(bytes: text)) }
                    }
                    if live.unsubscribe(subscription) {
                        try await writer.write(ByteBuffer(string: Self.farewell))
                    }
                } onGracefulShutdown: {
                    _ = live.unsubscribe(subscription)
                }
                try await writer.finish(nil)
            })
    }

    /// The number in an event's id; one of another process asks for more than there is, which is told as a gap.
    private func number(in id: String) -> Int64 {
        let parts = id.split(separator: "-")
        guard parts.count == 2, parts[0] == String(live.epoch), let number = Int64(parts[1]) else { return .max }
        return number
    }

    private static func greeting(hasGap: Bool) -> String {
        hasGap
            ? "retry: 2000\n\nevent: gap\ndata: {\"detail\":\"some events are gone; read /v1/feedback for what was missed\"}\n\n"
            : "retry: 2000\n\n"
    }

    private static let farewell = """
        event: overflow
        data: {"detail":"events came faster than they were read; connect again with Last-Event-ID to go on"}


        """

    private func text(of signal: LiveFeedback.Signal, for caller: Caller, only: WorkspaceID?) -> [UInt8] {
        guard case .events(let events) = signal else { return Array(": still here\n\n".utf8) }
        let snapshot = directory.current
        var visible: [WorkspaceID: Bool] = [:]
        var text: [UInt8] = []
        for event in events {
            let workspace = event.news.workspace
            guard only == nil || only == workspace else { continue }
            let isVisible = visible[workspace] ?? ((try? snapshot.workspace(workspace, for: caller)) != nil)
            visible[workspace] = isVisible
            guard isVisible else { continue }
            text += "id: \(live.epoch)-\(event.number)\n".utf8
            if let document = event.news.document {
                text += "event: feedback\ndata: ".utf8
                // JSON on one line: a line feed can only be white space between its tokens.
                text += document.lazy.filter { $0 != 0x0A && $0 != 0x0D }
            } else {
                text += "event: feedback_deleted\ndata: ".utf8
                text +=
                    JSON.object([
                        "unique_identifier": .string(FeedbackID(event.news.id).rawValue),
                        "workspace_id": .string(workspace.rawValue),
                    ]).bytes
            }
            text += "\n\n".utf8
        }
        return text
    }
}

extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
}
