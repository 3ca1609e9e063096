import Common
import Logging
import ServiceKit
import ServiceLifecycle

/// Asks for the reports of schedules when their time has come.
///
/// The transaction that asks moves the schedule on, so that no two processes ask for one run twice.
struct ScheduleRunner: Service {
    let database: any Database
    let jobs: JobEngine
    let settings: ReportsSettings
    let bell = Bell()
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                var pause = settings.lookSeconds
                do {
                    if let next = try await database.read({ try ScheduleTable(connection: $0).next() }) {
                        let now = now()
                        if next <= now { _ = try await runDue() }
                        let wait = Double(next.milliseconds - now.milliseconds) / 1000
                        if wait > 0 { pause = min(pause, wait) }
                    }
                } catch {
                    if !Task.isCancelled {
                        logger.warning("schedules were not looked at", metadata: ["error": "\(error)"])
                    }
                }
                // Processes do not look all at once.
                await bell.wait(for: .seconds(pause * Double.random(in: 1...1.1)))
            }
        }
    }

    /// Asks for what is due.
    ///
    /// - Returns: How many reports were asked for.
    func runDue() async throws -> Int {
        let now = now()
        let count = try await database.write { connection in
            let table = ScheduleTable(connection: connection)
            var count = 0
            for schedule in try table.due(at: now) {
                var schedule = schedule
                for time in schedule.runs(until: now) {
                    do {
                        let id = try ask(schedule, at: time, in: connection)
                        schedule.last = (time, id, nil)
                        count += 1
                    } catch let problem as Problem {
                        schedule.last = (time, nil, problem.detail)
                    }
                }
                schedule.next = schedule.cron.next(after: now) ?? Timestamp(milliseconds: .max)
                try table.save(schedule)
            }
            return count
        }
        jobs.wake()
        return count
    }

    private func ask(_ schedule: ReportSchedule, at time: Timestamp, in connection: any DatabaseConnection) throws
        -> JobID
    {
        let asked = try schedule.request(at: time, settings: settings)
        var request = JobRequest(ReportJob.kind, workspace: schedule.workspace, payload: asked.payload)
        request.key = .once("schedule \(schedule.id) \(time)")
        return try jobs.enqueue(request, in: connection).job.id
    }
}
