import ByteJSON
import Common
import Hummingbird
import ServiceKit

/// What only the operator may: look at the ledger, and let the parser go on after a burst of failures.
struct OperatorRoutes: Sendable {
    let database: any Database
    let handler: RawEventHandler

    func add(to router: Router<APIContext>) {
        router.get("/v1/parser/ledger") { try await ledger($0, $1) }
        router.post("/v1/parser/resume") { try await resume($0, $1) }
    }

    private func ledger(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try context.requireCaller(.admin)
        _ = try request.requireOnly()
        let ledger = try await ParserLedger.load(from: database)
        var w = JSONWriter()
        w.beginObject()
        w.key("total")
        ledger.total.write(to: &w)
        w.key("unattributed")
        ledger.unattributed.write(to: &w)
        w.key("workspaces")
        w.beginArray()
        for entry in ledger.workspaces {
            w.beginObject()
            w.member("workspace_id", entry.workspace.rawValue)
            w.key("counts")
            entry.counts.write(to: &w)
            w.endObject()
        }
        w.endArray()
        w.key("positions")
        w.beginArray()
        for position in ledger.positions {
            w.beginObject()
            w.member("partition", position.partition)
            w.member("next", position.next)
            w.endObject()
        }
        w.endArray()
        w.endObject()
        return .json(bytes: w.bytes)
    }

    /// `{"failures": 1000}`: so many more items may fail, however many that is of the last ones.
    private func resume(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try context.requireCaller(.admin)
        _ = try request.requireOnly()
        let body = try await request.jsonObject()
        let failures = body.integer("failures", in: 1...100_000_000, required: true)
        try body.finish()
        handler.allow(failures: failures ?? 0)
        return .json(["resumed": true, "failures": .integer(Int64(failures ?? 0))], status: .accepted)
    }
}

extension ParserLedger.Counts {
    fileprivate func write(to w: inout JSONWriter) {
        w.beginObject()
        w.member("events", events)
        w.member("extra", extra)
        w.member("emitted", emitted)
        w.member("filtered", filtered)
        w.member("dead", dead)
        w.endObject()
    }
}
