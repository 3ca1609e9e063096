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

    /// Reads the members; what is wrong, `body` then says.
    init(_ body: BodyObject, connector: Manifest?, settings: WorkspaceSettings) {
        members = ["name", "status", "schedule", "mapping"].filter { body.has($0) }
        name = body.string("name")
        status = body.choice("status", of: [.active, .paused])
        schedule = body.object("schedule").flatMap { Schedule($0, minimum: settings.minimumPollSeconds) }
        if schedule?.seconds != nil, connector?.read.isEmpty ?? false {
            body.refuse("schedule", "this stream is not polled: it is pushed or imported; leave the schedule out")
        }
        let given = body.value("mapping")
        if body.has("mapping") { mapping = .some(given) }
        if let given, let reason = connector?.rejection(of: given) { body.refuse("mapping", reason) }
    }

    func applied(to record: StreamRecord) -> StreamRecord {
        var record = record
        if let name { record.name = name }
        if let status { record.status = status }
        if let schedule { record.pollEvery = schedule.seconds }
        if let mapping { record.mapping = mapping }
        return record
    }
}
