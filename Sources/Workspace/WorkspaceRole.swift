public import Common
import Hummingbird
import Logging
public import ServiceKit

/// The Workspace service: accounts, tokens, workspaces, connections and streams.
///
/// It keeps them in its own database and tells all others through the topic `earshot.connections`; none of them calls
/// it.
public enum WorkspaceRole {
    /// What the first start made, to be shown to the operator once.
    public struct FirstStart: Sendable {
        public let account: AccountID
        public let accountName: String
        /// May do everything.
        public let token: Secret
    }

    /// The steps of this service's schema.
    public static var migrations: [Migration] { Schema.migrations }

    /// The account that the first start makes.
    public static let firstAccount = "default"

    /// Brings the database up to date, makes the first signing key, and publishes what was not published yet.
    ///
    /// Call it before ``build(_:settings:)``, after the directory was loaded.
    ///
    /// - Returns: The operator's token if there was none before; it cannot be shown again.
    public static func bootstrap(_ context: RoleContext) async throws -> FirstStart? {
        try await context.database.migrate(Schema.migrations)
        let now = context.now()
        let snapshot = context.directory.current
        let hasAdmin = try await context.database.write { connection in
            _ = try SigningKeys(connection: connection, vault: context.vault).current(at: now)
            let records = RecordTable(connection: connection)
            try records.unpublishWhatDiffers(from: snapshot)
            try records.forgetRevocations(at: now)
            return try TokenTable(connection: connection).hasAdmin()
        }
        try await Outbox(database: context.database, directory: context.directory, logger: context.logger).publish()
        guard !hasAdmin else { return nil }
        let issued = try await createToken(
            database: context.database, vault: context.vault, account: firstAccount, name: "first start",
            scopes: Set(Scope.allCases), at: now)
        return FirstStart(account: issued.account, accountName: firstAccount, token: issued.token)
    }

    /// The role, ready to run.
    public static func build(_ context: RoleContext, settings: WorkspaceSettings = WorkspaceSettings()) async throws
        -> Role
    {
        try await context.database.migrate(Schema.migrations)
        let outbox = Outbox(database: context.database, directory: context.directory, logger: context.logger)
        await outbox.flush()
        let jobs = JobEngine(
            database: context.database,
            definitions: [
                WorkspaceSetup(role: context, settings: settings, outbox: outbox).definition,
                HookRemoval(role: context, settings: settings).definition,
            ], settings: settings.jobs, metrics: context.metrics, logger: context.logger, now: context.now)
        context.jobs.add(
            JobSource(jobs: jobs, database: context.database) { [database = context.database] workspace in
                try await database.read { try RecordTable(connection: $0).account(of: workspace) }
            })
        let workspace = WorkspaceContext(role: context, settings: settings, outbox: outbox, jobs: jobs)
        return Role(
            name: "workspace",
            routes: { router in
                CreateWorkspaceRoute(workspace: workspace).add(to: router)
                WorkspaceRoutes(workspace: workspace).add(to: router)
                SetupRoutes(workspace: workspace).add(to: router)
                ConnectionRoutes(workspace: workspace).add(to: router)
                StreamRoutes(workspace: workspace).add(to: router)
                StreamActionRoutes(workspace: workspace).add(to: router)
                TokenRoutes(workspace: workspace).add(to: router)
                OperatorRoutes(workspace: workspace).add(to: router)
                ReferenceRoutes(workspace: workspace).add(to: router)
            },
            services: [outbox, jobs],
            readiness: {
                do {
                    try await context.database.read { _ in }
                    return [HealthCheck(name: "workspace database", isHealthy: true)]
                } catch {
                    return [HealthCheck(name: "workspace database", isHealthy: false, reason: "\(error)")]
                }
            })
    }

    /// A token that was made, and whose it is.
    public struct NewToken: Sendable {
        public let account: AccountID
        public let id: TokenID
        public let token: Secret
        public let expiresAt: Timestamp
    }

    /// Makes a token for an account, and the account if it is new, straight in the database.
    ///
    /// It needs no server and disturbs none: a token is verified by its key, which a running server knows, and the
    /// first start publishes it otherwise.
    public static func createToken(
        database: any Database, vault: Vault, account name: String, name purpose: String = "command line",
        scopes: Set<Scope> = [.manage, .read, .write], days: Int = 365, at now: Timestamp = .now
    ) async throws -> NewToken {
        try await database.migrate(Schema.migrations)
        let account = try await database.write { connection in
            let accounts = AccountTable(connection: connection)
            if let known = try accounts.find(name: name) { return known }
            let made = Account(id: .make(at: now), name: name, createdAt: now)
            try accounts.insert(made)
            try AuditTable(connection: connection).note(
                "account.create", of: made.id.rawValue, account: made.id, by: nil, at: now)
            return made
        }
        let order = TokenIssuer.Order(account: account.id, name: purpose, scopes: scopes, days: days)
        let (record, token) = try await TokenIssuer(database: database, vault: vault).make(order, at: now)
        try await database.write { try TokenIssuer.keep(record, by: nil, on: $0) }
        return NewToken(account: account.id, id: record.id, token: token, expiresAt: record.expiresAt)
    }
}
