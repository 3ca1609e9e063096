import ByteJSON
public import Common

/// Jobs that are requested by the clock.
public struct JobSchedule: Sendable {
    /// What becomes of times at which no process ran.
    public enum Missed: Sendable, Hashable {
        /// Each is caught up, the latest so many at most.
        case all(atMost: Int)
        /// One job stands for all of them.
        case once
        /// They are left out, unless it is less than so many seconds ago.
        case skip(after: Double)
    }
    /// Names it in the database.
    public let name: String
    public let cron: Cron
    public let missed: Missed
    public let request: JobRequest

    public init(_ name: String, _ cron: Cron, missed: Missed = .once, request: JobRequest) {
        self.name = name
        self.cron = cron
        self.missed = missed
        self.request = request
    }

    /// What was to run from `next` until `now`, by what is to be done about missed times.
    public func runs(from next: Timestamp, until now: Timestamp) -> [Timestamp] {
        let most = if case .all(let most) = missed { max(most, 1) } else { 1 }
        var runs: [Timestamp] = []
        var at: Timestamp? = next
        while let time = at, time <= now {
            runs.append(time)
            if runs.count > most { runs.removeFirst() }
            at = cron.next(after: time)
        }
        if case .skip(let seconds) = missed { runs.removeAll { $0 < now.advanced(bySeconds: -seconds) } }
        return runs
    }

    /// How it is kept in the database: another rule begins anew.
    fileprivate var rule: String { "\(cron) \(cron.timeZone)" }
}

extension JobTable {
    /// Requests what schedules want by now. The same transaction moves each on, so that no two processes request one
    /// run twice.
    func runSchedules(_ schedules: [JobSchedule], _ definitions: [String: JobDefinition]) throws {
        for schedule in schedules {
            let kept = try connection.first(
                "SELECT next_at FROM job_schedule WHERE name = \(schedule.name) AND rule = \(schedule.rule)"
            ) { Timestamp(milliseconds: $0.integer(0)) }
            if let kept, kept > now { continue }
            for time in kept.map({ schedule.runs(from: $0, until: now) }) ?? [] {
                var request = schedule.request
                var payload = request.payload.object ?? [:]
                payload["scheduled_for"] = .string(time.description)
                request.payload = .object(payload)
                request.key = .once("schedule \(schedule.name) \(time)")
                _ = try enqueue(request, deadline: definitions[request.kind]?.deadline ?? .seconds(86_400))
            }
            let next = schedule.cron.next(after: now) ?? .init(milliseconds: .max)
            try connection.execute(
                """
                INSERT INTO job_schedule (name, rule, next_at) VALUES (\(schedule.name), \(schedule.rule), \(next))
                ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, next_at = excluded.next_at
                """)
        }
    }
}
