import ByteJSON
import Common
import Notices
import ServiceKit

/// A report that is made again and again: when, what, and for whom.
struct ReportSchedule: Sendable {
    let id: ScheduleID
    let workspace: WorkspaceID
    var name: String
    var cron: Cron
    /// What becomes of times at which nothing ran: one report stands for all, or, if they are longer ago than an hour,
    /// none.
    var missed: Missed
    var kind: String
    var format: ReportFormat
    var period: RelativePeriod
    /// Filters and the like; no range.
    var parameters: Parameters
    var notify: [Recipient]
    var skipsEmpty: Bool
    var isActive: Bool
    var next: Timestamp
    /// When it ran last, the report that was asked for, or why there is none.
    var last: (at: Timestamp, report: JobID?, reason: String?)?
    let createdAt: Timestamp

    enum Missed: String, Sendable, CaseIterable { case once, skip }

    /// The times that are to be run now.
    func runs(until now: Timestamp) -> [Timestamp] {
        JobSchedule(
            id.rawValue, cron, missed: missed == .once ? .once : .skip(after: 3600),
            request: JobRequest(ReportJob.kind, workspace: workspace)
        ).runs(from: next, until: now)
    }

    /// What is asked for at a time.
    ///
    /// - Throws: ``Problem`` if this cannot be made any more.
    func request(at time: Timestamp, settings: ReportsSettings) throws -> ReportRequest {
        guard let report = ReportKinds.named(kind), let zone = ZoneCache.shared[cron.timeZone] else {
            throw Problem.badParameter("kind", "is \(kind), which this program does not make")
        }
        let ranged = parameters.settingRange(period.range(at: time, in: zone), zone)
        let pinned = try report.pinned(ranged, for: workspace, now: time, settings: settings)
        var request = ReportRequest(kind: kind, workspace: workspace, format: format, parameters: pinned)
        request.notify = notify
        request.skipsEmpty = skipsEmpty
        return request
    }

    /// As the API tells it.
    var json: JSON {
        var report = (parameters.json.object ?? [:])
        report["kind"] = .string(kind)
        report["format"] = .string(format.rawValue)
        report["period"] = .string(period.text)
        var members: [String: JSON] = [
            "schedule_id": .string(id.rawValue), "workspace_id": .string(workspace.rawValue), "name": .string(name),
            "cron": .string(cron.description), "timezone": .string(cron.timeZone), "missed": .string(missed.rawValue),
            "report": .object(report), "notify": .array(notify.map { .string($0.text) }),
            "skip_if_empty": .bool(skipsEmpty), "state": .string(isActive ? "active" : "paused"),
            "created_at": .string(createdAt.description),
        ]
        if isActive { members["next_at"] = .string(next.description) }
        if let last {
            members["last_at"] = .string(last.at.description)
            members["last_report_id"] = last.report.map { .string($0.rawValue) }
            members["last_reason"] = last.reason.map { .string($0) }
        }
        return .object(members)
    }
}
