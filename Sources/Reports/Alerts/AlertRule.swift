import ByteJSON
import Common
import Notices

/// What is watched for in a workspace, and who is told.
struct AlertRule: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        /// Much more feedback than in the windows before.
        case volume
        /// People are much less content than in the windows before.
        case sentiment
        /// A topic that many more people speak of than was to be expected.
        case topic
        /// A stream that had feedback and has none.
        case silence
        /// Items that could not be read.
        case deadLetters = "dead_letters"
    }

    let id: AlertRuleID
    let workspace: WorkspaceID
    var name: String
    let kind: Kind
    var settings: Settings
    var notify: [Recipient]
    var isActive: Bool
    /// Nothing is watched until then.
    var snoozedUntil: Timestamp?
    /// When it is looked at next.
    var next: Timestamp
    /// Dead letters of the workspace that nobody is told of: those there were at the first look, or when their alert was
    /// acknowledged, as far as they are not replayed.
    var letters: Int?
    let createdAt: Timestamp

    struct Settings: Sendable, Hashable {
        /// Hours that are compared with as many before.
        var hours = 24
        /// Volume: how many times as much as before.
        var factor = 2.0
        /// Sentiment: by how many points of net sentiment, from −100 to 100.
        var drop = 20.0
        /// Feedback, or dead letters, that there must be at least: now, or before where now is nothing.
        var minimum = 10
        /// Hours in which one thing is not told again.
        var throttleHours = 24

        var json: JSON {
            [
                "hours": .integer(Int64(hours)), "factor": .double(factor), "drop": .double(drop),
                "minimum": .integer(Int64(minimum)), "throttle_hours": .integer(Int64(throttleHours)),
            ]
        }

        init() {}

        init(_ json: JSON) {
            hours = json["hours"]?.integer.map { Int($0) } ?? hours
            factor = json["factor"]?.double ?? factor
            drop = json["drop"]?.double ?? drop
            minimum = json["minimum"]?.integer.map { Int($0) } ?? minimum
            throttleHours = json["throttle_hours"]?.integer.map { Int($0) } ?? throttleHours
        }
    }

    /// The letters that nobody is told of, after a look that found so many.
    func letters(after count: Int) -> Int { min(letters ?? count, count) }

    /// As the API tells it.
    var json: JSON {
        var members = settings.json.object ?? [:]
        members["rule_id"] = .string(id.rawValue)
        members["workspace_id"] = .string(workspace.rawValue)
        members["name"] = .string(name)
        members["kind"] = .string(kind.rawValue)
        members["notify"] = .array(notify.map { .string($0.text) })
        members["state"] = .string(isActive ? "active" : "paused")
        members["snoozed_until"] = snoozedUntil.map { .string($0.description) }
        members["created_at"] = .string(createdAt.description)
        return .object(members)
    }
}

/// Something that a rule found.
struct Finding: Sendable, Hashable {
    /// What it is about, within the rule: a topic, a stream.
    var key: String
    var title: String
    var text: String
    var facts: [NoticeContent.Fact]
    /// The verbatims behind it: time, and filters.
    var range: Range<Int64>
    var filters: [String: [String]] = [:]

    /// The key of a finding that is about dead letters: what is behind it is no feedback yet.
    static let deadLetters = "dead_letters"
}

/// A finding that was there, and what became of it.
struct Alert: Sendable {
    enum State: String, Sendable, CaseIterable {
        case open = "OPEN"
        /// Somebody has seen it.
        case acknowledged = "ACKNOWLEDGED"
        /// It is not so any more.
        case ended = "ENDED"
    }

    let id: AlertID
    let rule: AlertRuleID
    let workspace: WorkspaceID
    var finding: Finding
    var state: State
    let raisedAt: Timestamp
    /// When it was seen last to be so.
    var seenAt: Timestamp
    var endedAt: Timestamp?
    /// Not told again until then, should it end and come back.
    var snoozedUntil: Timestamp?

    /// As the API tells it.
    var json: JSON {
        var members: [String: JSON] = [
            "alert_id": .string(id.rawValue), "rule_id": .string(rule.rawValue),
            "workspace_id": .string(workspace.rawValue), "state": .string(state.rawValue), "key": .string(finding.key),
            "title": .string(finding.title), "text": .string(finding.text),
            "facts": .object(
                Dictionary(finding.facts.map { ($0.name, JSON.string($0.value)) }, uniquingKeysWith: { $1 })),
            "from": .string(Timestamp(milliseconds: finding.range.lowerBound).description),
            "to": .string(Timestamp(milliseconds: finding.range.upperBound).description),
            "filters": .object(finding.filters.mapValues { .array($0.map { .string($0) }) }),
            "raised_at": .string(raisedAt.description), "seen_at": .string(seenAt.description),
            "links": finding.key == Finding.deadLetters
                ? ["dead_letters": .string("/v1/dead-letters?replayed=false&workspace_id=\(workspace)")]
                : ["verbatims": .string("/v1/alerts/\(id)/verbatims")],
        ]
        members["ended_at"] = endedAt.map { .string($0.description) }
        members["snoozed_until"] = snoozedUntil.map { .string($0.description) }
        return .object(members)
    }
}

/// What is to be done about findings: a value.
enum AlertStep: Sendable, Hashable {
    /// A new alert, and people are told.
    case raise(Finding)
    /// The one that ended lately is open again; nobody is told twice in a short while.
    case reopen(AlertID, Finding)
    /// Still so.
    case keep(AlertID, Finding)
    /// Not so any more.
    case end(AlertID)

    /// - Parameters:
    ///   - known: The alerts of the rule that are open, and for each key the last that ended.
    static func steps(
        _ findings: [Finding], known: [Alert], throttleHours: Int, now: Timestamp
    ) -> [AlertStep] {
        let open = known.filter { $0.state != .ended }
        let kept = findings.map { finding -> AlertStep in
            if let alert = open.first(where: { $0.finding.key == finding.key }) { return .keep(alert.id, finding) }
            let before = known.filter { $0.finding.key == finding.key }.max { $0.raisedAt < $1.raisedAt }
            guard let before else { return .raise(finding) }
            let isSnoozed = before.snoozedUntil.map { $0 > now } ?? false
            let isFresh = before.raisedAt.advanced(bySeconds: Double(throttleHours) * 3600) > now
            return isSnoozed || isFresh ? .reopen(before.id, finding) : .raise(finding)
        }
        let keys = Set(findings.map(\.key))
        return kept + open.filter { !keys.contains($0.finding.key) }.map { .end($0.id) }
    }
}
