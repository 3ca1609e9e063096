import Common
import Foundation
import Logging

/// Where data is copied from, and where to.
struct MigrationSides: Sendable {
    let from: DataFolder
    /// The target's.
    let settings: Settings
    let logger: Logger

    /// The settings of a server on the source.
    var source: Settings {
        var source = settings
        source.data = from.path
        source.log = nil
        source.database = nil
        source.roles = RoleName.allCases
        return source
    }

    /// Takes the folders, so that no server works in them meanwhile.
    ///
    /// - Parameter isSharedAllowed: Whether servers may go on at a target that is not in a folder.
    /// - Returns: What holds them as long as it lives.
    func claim(_ to: DataFolder, isSharedAllowed: Bool = false) throws -> [DataFolderClaim] {
        guard FileManager.default.fileExists(atPath: from.log + "/log.sqlite") else {
            throw SettingsError("--from", "\(from.path) holds no data of a server")
        }
        let isSameFolder = to.isSame(as: from)
        guard settings.log != nil && settings.database != nil || !isSameFolder else {
            throw SettingsError(
                "log", "the copy needs a place: set EARSHOT_LOG and EARSHOT_DATABASE, or another folder with --data")
        }
        guard let claim = from.claim() else {
            throw SettingsError("--from", "a server has \(from.path); stop it, then copy")
        }
        if isSameFolder || isSharedAllowed && settings.log != nil && settings.database != nil { return [claim] }
        guard let claimThere = to.claim() else {
            throw SettingsError("data", "a server has \(to.path); stop it, then copy")
        }
        return [claim, claimThere]
    }

    /// Tables are copied as they are: both sides must have the same.
    func checkSchemas() async throws {
        for (service, migrations) in Assembly.schemas {
            let database = try Assembly.database(of: service, settings: source, in: from)
            let pending = try await database.pending(migrations)
            try await database.close()
            guard pending.isEmpty else {
                throw MigrationFailure(
                    "the tables are of an older version: run `earshot migrate --data \(from.path)` first")
            }
        }
    }

    /// What `earshot doctor` says of a side.
    func diagnosis(_ settings: Settings, _ folder: DataFolder, deep: Bool) async throws -> Diagnosis {
        let platform = try await Assembly(settings: settings, folder: folder, logger: logger)
        let outcome: Result<Diagnosis, any Error>
        do {
            outcome = .success(try await Diagnosis(platform, deep: deep))
        } catch {
            outcome = .failure(error)
        }
        await platform.close()
        return try outcome.get()
    }

    /// Opens both logs for a time.
    func withLogs(
        _ to: DataFolder, _ body: (_ source: any EventLog, _ target: any EventLog) async throws -> Void
    ) async throws {
        let (source, closeSource) = try Assembly.log(source, from, logger)
        let (target, closeTarget): (any EventLog, @Sendable () async -> Void)
        do {
            (target, closeTarget) = try Assembly.log(settings, to, logger)
        } catch {
            await closeSource()
            throw error
        }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(source, target))
        } catch {
            outcome = .failure(error)
        }
        await closeTarget()
        await closeSource()
        try outcome.get()
    }
}
