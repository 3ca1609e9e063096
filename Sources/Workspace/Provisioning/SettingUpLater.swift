import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import ServiceKit

// What routes do about set-ups: begin one, wait for it, tell of it.

extension WorkspaceContext {
    /// Puts the job of a set-up in line; nothing if there is nothing to do.
    func begin(_ order: WorkspaceSetup.Order?, of owner: WorkspaceRecord, in change: Change) throws -> JobID? {
        guard let order else { return nil }
        let request = WorkspaceSetup.request(order, workspace: owner.id)
        let job = try jobs.enqueue(request, in: change.connection).job
        try SetupTable(connection: change.connection).insert(
            SetupTable.Setup(
                job: job.id, workspace: owner.id, account: owner.account, view: order.isWhole ? owner.view : .null,
                end: nil, createdAt: change.now))
        return job.id
    }

    /// Has the webhook of a stream deleted at the provider; call `jobs.wake()` after the transaction.
    func removeHook(of stream: StreamRecord, in owner: WorkspaceRecord, _ change: Change) throws {
        _ = try HookRemoval(role: role, settings: settings).request(for: stream, of: owner, jobs: jobs, in: change)
    }

    /// Answers a creating call: at once where nothing is left to do, else after the set-up or as long as is waited for.
    ///
    /// - Throws: ``Problem`` 422 if the set-up failed, 409 if it was cancelled; nothing is left of it then.
    func setUp(_ answer: [UInt8], _ preference: Preference) async throws -> Response {
        let document = try JSONDocument(parsing: answer)
        guard case .object(var members) = JSON(document.root),
            let job = members["setup"]?["job_id"]?.string.flatMap({ JobID($0) })
        else { return .json(bytes: answer, status: .created) }
        jobs.wake()
        let setup = try await wait(for: job, seconds: preference.wait)
        switch setup?.end {
        case let end? where end.state == .completed:
            members["setup"] = setup.map { SetupView.view($0, job: nil) }
            members["streams"] = members["streams"].map { .array(($0.array ?? []).map(Self.active)) }
            if members["stream_id"] != nil { members["status"] = "active" }
        case let end?:
            let reason = "the set-up \(job) was undone: \(end.reason ?? end.state.rawValue)"
            if end.state == .cancelled { throw Problem.conflict(reason) }
            throw Problem(.unprocessableContent, code: "setup_failed", reason)
        case nil:
            let job = try await read { try JobTable($0, at: .now).job(job) }
            members["setup"] = setup.map { SetupView.view($0, job: job) } ?? members["setup"]
        }
        var response = Response.json(.object(members), status: .created)
        if preference.isAsync { response.headers[.init("Preference-Applied")!] = "respond-async" }
        return response
    }

    private static func active(_ stream: JSON) -> JSON {
        guard case .object(var members) = stream else { return stream }
        members["status"] = "active"
        return .object(members)
    }

    /// Looks again and again until a set-up has ended.
    private func wait(for job: JobID, seconds: Int) async throws -> SetupTable.Setup? {
        let end = ContinuousClock.now + .seconds(seconds)
        var pause = Duration.milliseconds(20)
        while true {
            let setup = try await read { try SetupTable(connection: $0).setup(job) }
            if setup?.end != nil || setup == nil || ContinuousClock.now >= end { return setup }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
        }
    }

    /// A workspace with its set-up, also one whose set-up failed.
    func view(_ id: WorkspaceID, for caller: Caller) async throws -> JSON {
        try await read { connection in
            let setup = try SetupTable(connection: connection).making(id)
            let job = try setup.flatMap { try JobTable(connection, at: .now).job($0.job) }
            let view: JSON
            do {
                view = try RecordTable(connection: connection).workspace(id, for: caller).view
            } catch let missing as Problem {
                // What was undone is told of; what was deleted later is not.
                guard let setup, let end = setup.end, end.state != .completed,
                    caller.boundary.map({ $0 == setup.account }) ?? true
                else { throw missing }
                view = setup.view
            }
            guard let setup, case .object(var members) = view else { return view }
            members["setup"] = SetupView.view(setup, job: job)
            return .object(members)
        }
    }
}

/// How a set-up looks from outside.
enum SetupView {
    /// One that was just begun; done already if there is no job.
    static func new(_ job: JobID?, of workspace: WorkspaceID) -> JSON {
        guard let job else { return ["state": "COMPLETED"] }
        return [
            "job_id": .string(job.rawValue), "state": .string(JobState.requested.rawValue),
            "links": links(job, workspace),
        ]
    }

    static func view(_ setup: SetupTable.Setup, job: Job?) -> JSON {
        var members: [String: JSON] = [
            "job_id": .string(setup.job.rawValue),
            "state": .string((setup.end?.state ?? job?.state ?? .requested).rawValue),
            "links": links(setup.job, setup.workspace),
        ]
        members["reason"] = (setup.end.map(\.reason) ?? job?.reason).map { .string($0) }
        if setup.end == nil, let job {
            members["progress"] = .double(job.progress)
            members["note"] = job.note.map { .string($0) }
            members["attempts"] = .integer(Int64(job.attempt))
        }
        return .object(members)
    }

    private static func links(_ job: JobID, _ workspace: WorkspaceID) -> JSON {
        ["setup": .string("/v1/workspaces/\(workspace)/setup?job_id=\(job)"), "job": .string("/v1/jobs/\(job)")]
    }
}
