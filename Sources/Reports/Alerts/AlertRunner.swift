import ByteJSON
import Common
import Logging
import Notices
import ServiceKit
import ServiceLifecycle

/// Looks at the rules one after the other, a few minutes apart.
///
/// What is found is read outside of the transaction that acts on it; the rule's own row says who was first.
struct AlertRunner: Service {
    let database: any Database
    let notices: Notices
    let links: ReportLinks
    let jobs: JobEngine
    let settings: ReportsSettings
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    while try await lookAtDue() > 0 {}
                } catch {
                    if !Task.isCancelled {
                        logger.warning("alert rules were not looked at", metadata: ["error": "\(error)"])
                    }
                }
                try? await Task.sleep(for: .seconds(settings.lookSeconds * Double.random(in: 1...1.1)))
            }
        }
    }

    /// Looks at the rules that are due.
    ///
    /// - Returns: How many.
    @discardableResult
    func lookAtDue() async throws -> Int {
        let now = now()
        let due = try await database.read { try AlertTable(connection: $0).due(at: now) }
        for rule in due { try await look(at: rule) }
        return due.count
    }

    private func look(at rule: AlertRule) async throws {
        let now = now()
        let streams = links.directory.current.streams(of: rule.workspace).filter { $0.status == .active }
        let names = Dictionary(streams.map { ($0.id, $0.name) }) { first, _ in first }
        let isSnoozed = rule.snoozedUntil.map { $0 > now } ?? false
        let (findings, letters) = try await database.read { [settings] connection in
            let reading = AlertReading(connection: connection, settings: settings, now: now, streams: names)
            return (isSnoozed ? [] : try reading.findings(of: rule), try connection.deadLetters(of: rule.workspace))
        }
        try await database.write { connection in
            let table = AlertTable(connection: connection)
            // Another process looked at it meanwhile, or somebody changed it.
            guard var current = try table.rule(rule.id), current.next == rule.next, current.isActive else { return }
            if !isSnoozed {
                let steps = AlertStep.steps(
                    findings, known: try table.known(of: rule, now: now),
                    throttleHours: rule.settings.throttleHours, now: now)
                for step in steps { try act(step, rule, table, connection, now) }
            }
            current.letters = current.letters(after: letters)
            current.next = now.advanced(bySeconds: settings.alertSeconds)
            try table.save(current)
        }
        jobs.wake()
    }

    private func act(
        _ step: AlertStep, _ rule: AlertRule, _ table: AlertTable, _ connection: any DatabaseConnection,
        _ now: Timestamp
    ) throws {
        switch step {
        case .raise(let finding):
            let alert = Alert(
                id: .make(at: now), rule: rule.id, workspace: rule.workspace, finding: finding, state: .open,
                raisedAt: now, seenAt: now)
            try table.save(alert)
            try notices.put(try content(alert, rule, connection), to: rule.notify, of: rule.workspace, in: connection)
        case .reopen(let id, let finding), .keep(let id, let finding):
            guard var alert = try table.alert(id) else { return }
            alert.finding = finding
            alert.seenAt = now
            if alert.state == .ended { alert.state = .open }
            alert.endedAt = nil
            try table.save(alert)
        case .end(let id):
            guard var alert = try table.alert(id) else { return }
            alert.state = .ended
            alert.endedAt = now
            try table.save(alert)
        }
    }

    private func content(_ alert: Alert, _ rule: AlertRule, _ connection: any DatabaseConnection) throws
        -> NoticeContent
    {
        let finding = alert.finding
        let name = links.directory.current.workspaces[rule.workspace]?.name ?? rule.workspace.rawValue
        let facts = [NoticeContent.Fact("Workspace", name), .init("Rule", rule.name)] + finding.facts
        guard finding.key != Finding.deadLetters else {
            return NoticeContent(
                event: "alert.raised", subject: alert.id.rawValue, title: "\(name): \(finding.title)",
                text: finding.text, facts: facts, data: alert.json)
        }
        let page = try connection.page(
            AlertRunner.filter(finding), workspace: rule.workspace, range: finding.range, after: nil, limit: 3)
        let quotes = page.documents.compactMap { document -> String? in
            let text = (try? JSONDocument(parsing: document).root["core_attributes"]?["text"])?.string
            return text.map { $0.count > 300 ? $0.prefix(299) + "…" : $0 }
        }
        let link = try links.verbatims(alert.id, of: rule.workspace)
        return NoticeContent(
            event: "alert.raised", subject: alert.id.rawValue, title: "\(name): \(finding.title)", text: finding.text,
            facts: facts, quotes: quotes,
            link: .init("Read what was said", link), data: alert.json)
    }

    /// What of the feedback is behind a finding.
    static func filter(_ finding: Finding) throws -> FeedbackFilter {
        try FeedbackFilter(
            Parameters(
                finding.filters.sorted { $0.key < $1.key }.flatMap { name, values in
                    values.map { (name: name, value: $0) }
                }))
    }
}
