import ByteJSON
import Common
import Connectors
import ServiceKit

/// What a caller changes of a stream.
struct StreamEdit: Sendable {
    /// The members that were given.
    var members: [String]
    var name: String?
    var status: StreamRecord.Status?
    var schedule: Schedule?
    /// nil leaves the mapping as it is; `.some(nil)` goes back to the connector's.
    var mapping: JSON??
    /// What is followed, with its changes.
    var entity: [String: JSON]?
    var backfillSince: Timestamp??

    /// Reads the members; what is wrong, `body` then says.
    init(_ body: BodyObject, of record: StreamRecord, connector: Manifest?, settings: WorkspaceSettings) {
        members = ["name", "status", "schedule", "mapping", "entity", "backfill_since"].filter { body.has($0) }
        name = body.string("name")
        status = body.choice("status", of: [.active, .paused])
        schedule = body.object("schedule").flatMap { Schedule($0, minimum: settings.minimumPollSeconds) }
        if schedule?.seconds != nil, connector?.read.isEmpty ?? false {
            body.refuse("schedule", "this stream is not polled: it is pushed or imported; leave the schedule out")
        }
        let given = body.value("mapping")
        if body.has("mapping") { mapping = .some(given) }
        if let given, let reason = connector?.rejection(of: given) { body.refuse("mapping", reason) }
        let since = body.timestamp("backfill_since")
        if body.has("backfill_since") { backfillSince = .some(since) }
        if since != nil, connector?.read.isEmpty ?? false {
            body.refuse("backfill_since", "this stream is not polled, so there is no past to read; leave it out")
        }
        let changes = body.settings("entity")
        if body.has("entity"), let changes { change(record.entity, by: changes, body, connector) }
    }

    /// What is given replaces, null removes, the rest stays.
    private mutating func change(
        _ before: [String: JSON], by changes: [String: JSON], _ body: BodyObject, _ connector: Manifest?
    ) {
        guard let connector else { return body.refuse("entity", "the connector is not loaded; put its file back") }
        let checked = connector.spec.check(connection: [:], stream: before.merging(changes) { $1 })
        for problem in checked.problems where problem.place == .stream {
            body.refuse("entity/\(problem.field)", problem.reason)
        }
        connector.checkSignature(in: checked.stream, body)
        entity = checked.stream
    }

    func applied(to record: StreamRecord) -> StreamRecord {
        var record = record
        if let name { record.name = name }
        if let status { record.status = status }
        if let schedule { record.pollEvery = schedule.seconds }
        if let mapping { record.mapping = mapping }
        if let entity { record.entity = entity }
        if let backfillSince { record.backfillSince = backfillSince }
        return record
    }
}
