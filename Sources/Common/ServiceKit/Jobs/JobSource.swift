public import Common
import Synchronization

/// The jobs of one service of this process.
public struct JobSource: Sendable {
    let jobs: JobEngine
    let database: any Database
    /// Whose a workspace is that the directory does not know any more.
    let account: @Sendable (WorkspaceID) async throws -> AccountID?

    public init(
        jobs: JobEngine, database: any Database,
        account: @escaping @Sendable (WorkspaceID) async throws -> AccountID? = { _ in nil }
    ) {
        self.jobs = jobs
        self.database = database
        self.account = account
    }
}

/// The services of this process that have jobs and leave it to another one to answer `/v1/jobs` for them.
public final class JobSources: Sendable {
    private let list = Mutex<[JobSource]>([])

    public init() {}

    /// Adds a service's jobs, which may be there already.
    public func add(_ source: JobSource) {
        list.withLock { list in
            if !list.contains(where: { $0.jobs === source.jobs }) { list.append(source) }
        }
    }

    var all: [JobSource] { list.withLock { $0 } }
}
