import ByteJSON
import Common
import Notices
import ServiceKit

/// The rules and the alerts, within one transaction.
struct AlertTable {
    let connection: any DatabaseConnection

    static func create(on connection: any DatabaseConnection) throws {
        let dialect = connection.dialect
        let text = dialect.text
        let integer = dialect.integer
        try connection.execute(
            """
            CREATE TABLE alert_rule (
                id \(raw: text) NOT NULL PRIMARY KEY, workspace \(raw: text) NOT NULL, name \(raw: text) NOT NULL,
                kind \(raw: text) NOT NULL, settings \(raw: text) NOT NULL, notify \(raw: text) NOT NULL,
                active INTEGER NOT NULL, snoozed_until \(raw: integer), next_at \(raw: integer) NOT NULL,
                letters \(raw: integer), created_at \(raw: integer) NOT NULL)
            """)
        try connection.execute("CREATE INDEX alert_rule_next ON alert_rule (next_at) WHERE active = 1")
        try connection.execute("CREATE INDEX alert_rule_workspace ON alert_rule (workspace, id)")
        try connection.execute(
            """
            CREATE TABLE alert (
                id \(raw: text) NOT NULL PRIMARY KEY, rule \(raw: text) NOT NULL, workspace \(raw: text) NOT NULL,
                alert_key \(raw: text) NOT NULL, state \(raw: text) NOT NULL, finding \(raw: text) NOT NULL,
                raised_at \(raw: integer) NOT NULL, seen_at \(raw: integer) NOT NULL, ended_at \(raw: integer),
                snoozed_until \(raw: integer))
            """)
        try connection.execute("CREATE INDEX alert_rule_key ON alert (rule, alert_key, raised_at)")
        try connection.execute("CREATE INDEX alert_workspace ON alert (workspace, id)")
    }

    // MARK: - Rules

    func save(_ rule: AlertRule) throws {
        try connection.execute(
            """
            INSERT INTO alert_rule (id, workspace, name, kind, settings, notify, active, snoozed_until, next_at, letters,
                created_at)
            VALUES (\(rule.id), \(rule.workspace), \(rule.name), \(rule.kind.rawValue), \(rule.settings.json.text),
                \(JSON.array(rule.notify.map { .string($0.text) }).text), \(rule.isActive), \(rule.snoozedUntil),
                \(rule.next), \(rule.letters), \(rule.createdAt))
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, settings = excluded.settings, notify = excluded.notify,
                active = excluded.active, snoozed_until = excluded.snoozed_until, next_at = excluded.next_at,
                letters = excluded.letters
            """)
    }

    func rule(_ id: AlertRuleID) throws -> AlertRule? { try rules("id = \(id)").first }

    func rules(of workspaces: [WorkspaceID]?, before: AlertRuleID?, limit: Int) throws -> [AlertRule] {
        var condition: SQL = "1 = 1"
        if let workspaces { condition += " AND workspace IN \(list: workspaces)" }
        if let before { condition += " AND id < \(before)" }
        return try rules("\(condition) ORDER BY id DESC LIMIT \(limit)")
    }

    func count(of workspace: WorkspaceID) throws -> Int {
        try connection.first("SELECT count(*) FROM alert_rule WHERE workspace = \(workspace)") { Int($0.integer(0)) }
            ?? 0
    }

    /// Those that are to be looked at by now.
    func due(at now: Timestamp) throws -> [AlertRule] {
        try rules("active = 1 AND next_at <= \(now) ORDER BY next_at LIMIT 50")
    }

    /// Forgets a rule and its alerts.
    func delete(_ id: AlertRuleID) throws {
        try connection.execute("DELETE FROM alert WHERE rule = \(id)")
        try connection.execute("DELETE FROM alert_rule WHERE id = \(id)")
    }

    private func rules(_ condition: SQL) throws -> [AlertRule] {
        try connection.query(
            """
            SELECT id, workspace, name, kind, settings, notify, active, snoozed_until, next_at, letters, created_at
            FROM alert_rule WHERE \(condition)
            """
        ) { row in
            guard let id = AlertRuleID(row.text(0)), let workspace = WorkspaceID(row.text(1)),
                let kind = AlertRule.Kind(rawValue: row.text(3))
            else { throw DatabaseError.corrupt("a row of alert_rule has id \(row.text(0))") }
            return AlertRule(
                id: id, workspace: workspace, name: row.text(2), kind: kind,
                settings: AlertRule.Settings(JobTable.json(row.text(4))),
                notify: (JobTable.json(row.text(5)).array ?? []).compactMap { $0.string.flatMap { Recipient($0) } },
                isActive: row.integer(6) != 0,
                snoozedUntil: row.optionalInteger(7).map(Timestamp.init(milliseconds:)),
                next: Timestamp(milliseconds: row.integer(8)), letters: row.optionalInteger(9).map { Int($0) },
                createdAt: Timestamp(milliseconds: row.integer(10)))
        }
    }

    // MARK: - Alerts

    func save(_ alert: Alert) throws {
        try connection.execute(
            """
            INSERT INTO alert (id, rule, workspace, alert_key, state, finding, raised_at, seen_at, ended_at, snoozed_until)
            VALUES (\(alert.id), \(alert.rule), \(alert.workspace), \(alert.finding.key), \(alert.state.rawValue),
                \(alert.finding.json.text), \(alert.raisedAt), \(alert.seenAt), \(alert.endedAt), \(alert.snoozedUntil))
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, finding = excluded.finding,
                seen_at = excluded.seen_at, ended_at = excluded.ended_at, snoozed_until = excluded.snoozed_until
            """)
    }

    func alert(_ id: AlertID) throws -> Alert? { try alerts("id = \(id)").first }

    func list(of workspaces: [WorkspaceID]?, states: [Alert.State], before: AlertID?, limit: Int) throws -> [Alert] {
        var condition: SQL = "1 = 1"
        if let workspaces { condition += " AND workspace IN \(list: workspaces)" }
        if !states.isEmpty { condition += " AND state IN \(list: states.map(\.rawValue))" }
        if let before { condition += " AND id < \(before)" }
        return try alerts("\(condition) ORDER BY id DESC LIMIT \(limit)")
    }

    /// The alerts of a rule that are open, and those that were raised or snoozed lately.
    func known(of rule: AlertRule, now: Timestamp) throws -> [Alert] {
        let since = now.advanced(bySeconds: -Double(rule.settings.throttleHours) * 3600)
        return try alerts(
            """
            rule = \(rule.id) AND (state <> 'ENDED' OR raised_at > \(since) OR snoozed_until > \(now))
            ORDER BY raised_at DESC LIMIT 1000
            """)
    }

    private func alerts(_ condition: SQL) throws -> [Alert] {
        try connection.query(
            """
            SELECT id, rule, workspace, state, finding, raised_at, seen_at, ended_at, snoozed_until FROM alert
            WHERE \(condition)
            """
        ) { row in
            guard let id = AlertID(row.text(0)), let rule = AlertRuleID(row.text(1)),
                let workspace = WorkspaceID(row.text(2)), let state = Alert.State(rawValue: row.text(3))
            else { throw DatabaseError.corrupt("a row of alert has id \(row.text(0))") }
            return Alert(
                id: id, rule: rule, workspace: workspace, finding: Finding(JobTable.json(row.text(4))), state: state,
                raisedAt: Timestamp(milliseconds: row.integer(5)), seenAt: Timestamp(milliseconds: row.integer(6)),
                endedAt: row.optionalInteger(7).map(Timestamp.init(milliseconds:)),
                snoozedUntil: row.optionalInteger(8).map(Timestamp.init(milliseconds:)))
        }
    }
}

extension JSON {
    /// As text.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension Finding {
    /// As it is kept.
    fileprivate var json: JSON {
        [
            "key": .string(key), "title": .string(title), "text": .string(text),
            "facts": .array(facts.map { .array([.string($0.name), .string($0.value)]) }),
            "from": .integer(range.lowerBound), "to": .integer(range.upperBound),
            "filters": .object(filters.mapValues { .array($0.map { .string($0) }) }),
        ]
    }

    fileprivate init(_ json: JSON) {
        let from = json["from"]?.integer ?? 0
        self.init(
            key: json["key"]?.string ?? "", title: json["title"]?.string ?? "", text: json["text"]?.string ?? "",
            facts: (json["facts"]?.array ?? []).map {
                NoticeContent.Fact($0.array?.first?.string ?? "", $0.array?.last?.string ?? "")
            }, range: from..<max(from, json["to"]?.integer ?? 0),
            filters: (json["filters"]?.object ?? [:]).mapValues { ($0.array ?? []).compactMap(\.string) })
    }
}
