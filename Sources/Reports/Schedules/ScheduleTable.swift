import ByteJSON
import Common
import Notices
import ServiceKit

/// The schedules, within one transaction.
struct ScheduleTable {
    let connection: any DatabaseConnection

    static func create(on connection: any DatabaseConnection) throws {
        let dialect = connection.dialect
        let text = dialect.text
        let integer = dialect.integer
        try connection.execute(
            """
            CREATE TABLE report_schedule (
                id \(raw: text) NOT NULL PRIMARY KEY, workspace \(raw: text) NOT NULL, name \(raw: text) NOT NULL,
                cron \(raw: text) NOT NULL, timezone \(raw: text) NOT NULL, missed \(raw: text) NOT NULL,
                report \(raw: text) NOT NULL, notify \(raw: text) NOT NULL, skip_if_empty INTEGER NOT NULL,
                active INTEGER NOT NULL, next_at \(raw: integer) NOT NULL, last_at \(raw: integer),
                last_report \(raw: text), last_reason \(raw: text), created_at \(raw: integer) NOT NULL)
            """)
        try connection.execute("CREATE INDEX report_schedule_next ON report_schedule (next_at) WHERE active = 1")
        try connection.execute("CREATE INDEX report_schedule_workspace ON report_schedule (workspace, id)")
    }

    /// Keeps a schedule, new or changed.
    func save(_ schedule: ReportSchedule) throws {
        let report: JSON = [
            "kind": .string(schedule.kind), "format": .string(schedule.format.rawValue),
            "period": .string(schedule.period.text), "parameters": schedule.parameters.json,
        ]
        let notify = JSON.array(schedule.notify.map { .string($0.text) })
        try connection.execute(
            """
            INSERT INTO report_schedule (id, workspace, name, cron, timezone, missed, report, notify, skip_if_empty,
                active, next_at, last_at, last_report, last_reason, created_at)
            VALUES (\(schedule.id), \(schedule.workspace), \(schedule.name), \(schedule.cron.description),
                \(schedule.cron.timeZone), \(schedule.missed.rawValue),
                \(String(decoding: report.bytes, as: UTF8.self)), \(String(decoding: notify.bytes, as: UTF8.self)),
                \(schedule.skipsEmpty), \(schedule.isActive), \(schedule.next), \(schedule.last?.at),
                \(schedule.last?.report), \(schedule.last?.reason), \(schedule.createdAt))
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, cron = excluded.cron, timezone = excluded.timezone,
                missed = excluded.missed, report = excluded.report, notify = excluded.notify,
                skip_if_empty = excluded.skip_if_empty, active = excluded.active, next_at = excluded.next_at,
                last_at = excluded.last_at, last_report = excluded.last_report, last_reason = excluded.last_reason
            """)
    }

    func schedule(_ id: ScheduleID) throws -> ReportSchedule? { try schedules("id = \(id)").first }

    func list(of workspaces: [WorkspaceID]?, before: ScheduleID?, limit: Int) throws -> [ReportSchedule] {
        var condition: SQL = "1 = 1"
        if let workspaces { condition += " AND workspace IN \(list: workspaces)" }
        if let before { condition += " AND id < \(before)" }
        return try schedules("\(condition) ORDER BY id DESC LIMIT \(limit)")
    }

    func count(of workspace: WorkspaceID) throws -> Int {
        try connection.first("SELECT count(*) FROM report_schedule WHERE workspace = \(workspace)") {
            Int($0.integer(0))
        } ?? 0
    }

    /// When the next one is to run; nil if none is.
    func next() throws -> Timestamp? {
        try connection.first("SELECT min(next_at) FROM report_schedule WHERE active = 1") {
            $0.optionalInteger(0).map(Timestamp.init(milliseconds:))
        } ?? nil
    }

    /// Those that are to run by now.
    func due(at now: Timestamp) throws -> [ReportSchedule] {
        try schedules("active = 1 AND next_at <= \(now) ORDER BY next_at LIMIT 100")
    }

    func delete(_ id: ScheduleID) throws { try connection.execute("DELETE FROM report_schedule WHERE id = \(id)") }

    private func schedules(_ condition: SQL) throws -> [ReportSchedule] {
        try connection.query(
            """
            SELECT id, workspace, name, cron, timezone, missed, report, notify, skip_if_empty, active, next_at, last_at,
                last_report, last_reason, created_at
            FROM report_schedule WHERE \(condition)
            """
        ) { row in
            let report = JobTable.json(row.text(6))
            guard let id = ScheduleID(row.text(0)), let workspace = WorkspaceID(row.text(1)),
                let cron = try? Cron(row.text(3), timeZone: row.text(4)),
                let missed = ReportSchedule.Missed(rawValue: row.text(5)), let kind = report["kind"]?.string,
                let format = report["format"]?.string.flatMap(ReportFormat.init(rawValue:)),
                let period = report["period"]?.string.flatMap({ RelativePeriod($0) })
            else { throw DatabaseError.corrupt("a row of report_schedule has id \(row.text(0))") }
            let notify = JobTable.json(row.text(7)).array ?? []
            return ReportSchedule(
                id: id, workspace: workspace, name: row.text(2), cron: cron, missed: missed, kind: kind, format: format,
                period: period, parameters: Parameters(report["parameters"] ?? [:]),
                notify: notify.compactMap { $0.string.flatMap { Recipient($0) } }, skipsEmpty: row.integer(8) != 0,
                isActive: row.integer(9) != 0, next: Timestamp(milliseconds: row.integer(10)),
                last: row.optionalInteger(11).map {
                    (Timestamp(milliseconds: $0), row.optionalText(12).flatMap { JobID($0) }, row.optionalText(13))
                }, createdAt: Timestamp(milliseconds: row.integer(14)))
        }
    }
}
