import Common

/// The databases of one side that hold rows of workspaces.
struct WorkspaceTables: Sendable {
    let workspace: any Database
    let reports: any Database
    let parser: any Database
    let fetcher: any Database

    init(_ settings: Settings, in folder: DataFolder) throws {
        workspace = try Assembly.database(of: "workspace", settings: settings, in: folder)
        reports = try Assembly.database(of: "reports", settings: settings, in: folder)
        parser = try Assembly.database(of: "parser", settings: settings, in: folder)
        fetcher = try Assembly.database(of: "fetcher", settings: settings, in: folder)
    }

    /// Makes the tables of a new place.
    ///
    /// - Throws: ``MigrationFailure`` if they are of an older version: servers may be at work there.
    func bringUpToDate() async throws {
        for (service, migrations) in Assembly.schemas {
            // Imports stay where they are.
            guard let database = database(of: service) else { continue }
            let pending = try await database.pending(migrations)
            guard pending.isEmpty || pending.count == migrations.count else {
                throw MigrationFailure(
                    "the target's tables are of an older version: run `earshot migrate` there, with this version")
            }
            if !pending.isEmpty { try await database.migrate(migrations) }
        }
    }

    private func database(of service: String) -> (any Database)? {
        switch service {
        case "workspace": workspace
        case "reports": reports
        case "parser": parser
        case "fetcher": fetcher
        default: nil
        }
    }

    func close() async {
        for database in [workspace, reports, parser, fetcher] { try? await database.close() }
    }
}
