import Common
import Fetcher
import Foundation
import Logging
import Parser
import Reports
import ServiceKit
import Workspace

/// Copies one workspace from a data folder into another installation, which may have others.
///
/// Its rows are copied with the target's own numbers in place of the source's; its raw events are appended to the
/// target's log, where the parser passes them over, because their items are in the rows already. The directory learns
/// of the workspace last, so it is there whole or not at all. Run again after it was cut short, it goes on.
struct WorkspaceMigration: Sendable {
    let workspace: WorkspaceID
    /// The account of the target that is to have it; nil is the account that has it here.
    let account: String?
    let sides: MigrationSides
    /// Whether to compare all rows value by value, and all rollups of the target with their rows.
    let deep: Bool
    /// Called with what is copied, how much of it is done and how much there is.
    let report: @Sendable (_ what: String, _ done: Int, _ total: Int) -> Void

    func run() async throws -> WorkspaceSummary {
        let to = try DataFolder(sides.settings.data)
        let claims = try sides.claim(to, isSharedAllowed: true)
        try await sides.checkSchemas()
        try await requireRest()
        let here = try WorkspaceTables(sides.source, in: sides.from)
        let there = try WorkspaceTables(sides.settings, in: to)
        let outcome: Result<WorkspaceSummary, any Error>
        do {
            outcome = .success(try await copy(to, here, there))
        } catch {
            outcome = .failure(error)
        }
        await here.close()
        await there.close()
        withExtendedLifetime(claims) {}
        return try outcome.get()
    }

    private func copy(_ to: DataFolder, _ here: WorkspaceTables, _ there: WorkspaceTables) async throws
        -> WorkspaceSummary
    {
        guard let carried = try await CarriedWorkspace(workspace, in: here.workspace), !carried.isDeleted else {
            throw MigrationFailure(
                "\(sides.from.path) has no workspace \(workspace); `earshot insights --help` tells how to list them")
        }
        try await there.bringUpToDate()
        let sealedKey = try await sealedKey(of: carried, to, there)
        var marker = MigrationMarker(
            target: MigrationMarker.name(of: sides.settings), begunAt: Timestamp.now.description, workspace: workspace)
        var isResumed = false
        if let known = MigrationMarker.read(from: sides.from, workspace: workspace), known.target == marker.target,
            known.finishedAt == nil
        {
            (isResumed, marker) = (true, known)
        } else if try await CarriedWorkspace(workspace, in: there.workspace) != nil {
            throw MigrationFailure(
                "the target has workspace \(workspace) already, or had it and deleted it; what is there is not touched")
        }
        let account = try await carried.account(named: account, in: there.workspace)
        var summary = WorkspaceSummary(
            from: sides.from.path, workspace: workspace, account: account, isResumed: isResumed)
        try await sides.withLogs(to) { [marker] source, target in
            var marker = marker
            try await target.create(Topic.all)
            if !isResumed {
                marker.rawEnds = try await target.bounds(of: .raw).map(\.end)
                try marker.write(to: sides.from)
            }
            let events = try await carryEvents(source, target, marker, &summary)
            try await copyRows(of: carried, events, account, here, there, &summary)
            let directory = Directory(log: target, logger: sides.logger)
            try await directory.load()
            try await carryStates(of: carried.streams, from: source, to: directory)
            try await carried.take(
                to: account, sealedKey: sealedKey, database: there.workspace, directory: directory,
                logger: sides.logger)
        }
        let copy = try await CarriedWorkspace(workspace, in: there.workspace)
        summary.add("table workspace record", carried.count, copy?.count ?? 0)
        try await addLedgers(here, there, &summary)
        if deep { summary.mismatches = try await ReportsStore(database: there.reports).verify().count }
        if summary.isEqual {
            marker = MigrationMarker.read(from: sides.from, workspace: workspace) ?? marker
            marker.finishedAt = Timestamp.now.description
            try marker.write(to: sides.from)
        }
        return summary
    }

    /// Work in hand would be counted here and not there.
    private func requireRest() async throws {
        let books = try await sides.diagnosis(sides.source, sides.from, deep: false).books
        guard books.atRest, books.balanced else {
            throw MigrationFailure(
                "\(sides.from.path) has work in hand (\(books.inFlight) items): start its server, wait until "
                    + "`earshot doctor` says that it is at rest, stop it, then copy")
        }
    }

    /// The workspace's data key as the target's master key seals it.
    private func sealedKey(
        of carried: CarriedWorkspace, _ to: DataFolder, _ there: WorkspaceTables
    ) async throws -> String {
        let given = try sides.settings.masterKeyBytes()
        guard given != nil || sides.settings.log == nil || sides.settings.database == nil else {
            throw SettingsError("master_key", "set EARSHOT_MASTER_KEY to the key of the target's servers")
        }
        let target = try Vault(masterKey: given ?? to.masterKey())
        let source = try Vault(masterKey: sides.from.hasMasterKey ? sides.from.masterKey() : given ?? to.masterKey())
        let known = try await there.workspace.read { try $0.query("SELECT sealed FROM service_key") { $0.text(0) } }
        do {
            for sealed in known { _ = try target.seal(Secret("a try"), sealedKey: sealed) }
        } catch is VaultError {
            throw SettingsError("master_key", "it does not open what the target has sealed; set its servers' key")
        }
        do {
            return try source.sealedKey(carried.sealedKey, for: target)
        } catch is VaultError {
            throw SettingsError(
                "--from",
                "the workspace's secrets do not open: \(sides.from.path)/keys/master.key is to hold the key "
                    + "that its server was given")
        }
    }

    private func carryEvents(
        _ source: any EventLog, _ target: any EventLog, _ marker: MigrationMarker, _ summary: inout WorkspaceSummary
    ) async throws -> CarriedEvents {
        let done = Tally()
        let total = try await source.bounds(of: .raw).reduce(0) { $0 + Int($1.end - $1.first) }
        let carrier = EventCarrier(
            source: source, target: target, workspace: workspace, ends: marker.rawEnds ?? []
        ) { report(Topic.raw.name, done.add($0), total) }
        let outcome = try await carrier.carry()
        summary.add("log \(Topic.raw)", outcome.kept, outcome.same)
        return CarriedEvents(of: workspace, places: outcome.places)
    }

    private func copyRows(
        of carried: CarriedWorkspace, _ events: CarriedEvents, _ account: AccountID, _ here: WorkspaceTables,
        _ there: WorkspaceTables, _ summary: inout WorkspaceSummary
    ) async throws {
        let reports = try await ReportsCarrying(of: workspace, from: here.reports, to: there.reports)
        let letters = try await ParserRole.deadLetterIDs(of: events, in: here.parser)
        let parts: [(String, KeyPath<WorkspaceTables, any Database>, [WorkspaceRows])] = [
            ("reports", \.reports, reports.rows(of: events, account: account, deadLetters: letters)),
            ("parser", \.parser, ParserRole.rows(of: events, account: account)),
            ("fetcher", \.fetcher, FetcherRole.rows(of: carried.streams)),
        ]
        if deep { summary.differentRows = 0 }
        for (service, database, list) in parts {
            let tables = try await StoredTable.all(in: here[keyPath: database])
            for rows in list {
                guard let table = tables.first(where: { $0.name == rows.table }) else { continue }
                let copier = RowCopier(table, rows, from: here[keyPath: database], to: there[keyPath: database])
                let (source, target) = try await copier.copy { report("\(service) \(table.name)", $0, $1) }
                summary.add("table \(service) \(table.name)", source, target)
                if deep, rows.isStill { summary.differentRows? += try await copier.different() }
            }
        }
        try await ParserRole.carryLedger(of: workspace, from: here.parser, to: there.parser)
    }

    /// How far streams are read.
    private func carryStates(of streams: [StreamID], from source: any EventLog, to target: Directory) async throws {
        let known = Directory(log: source, logger: sides.logger)
        try await known.load()
        for stream in streams {
            guard let status = known.current.statuses[stream] else { continue }
            try await target.publish(status)
        }
    }

    private func addLedgers(
        _ here: WorkspaceTables, _ there: WorkspaceTables, _ summary: inout WorkspaceSummary
    ) async throws {
        let parsed = (
            try await ParserLedger.load(from: here.parser).counts(of: workspace) ?? ParserLedger.Counts(),
            try await ParserLedger.load(from: there.parser).counts(of: workspace) ?? ParserLedger.Counts()
        )
        for (name, value) in [
            ("events", \ParserLedger.Counts.events), ("extra", \.extra), ("emitted", \.emitted),
            ("filtered", \.filtered), ("dead", \.dead),
        ] { summary.add("ledger parser \(name)", parsed.0[keyPath: value], parsed.1[keyPath: value]) }
        let settled = (
            try await ReportsStore(database: here.reports).ledger().workspaces[workspace.rawValue] ?? ReportsLedger(),
            try await ReportsStore(database: there.reports).ledger().workspaces[workspace.rawValue] ?? ReportsLedger()
        )
        for (name, value) in [
            ("stored", \ReportsLedger.stored), ("duplicate", \.duplicate), ("merged", \.merged),
            ("filtered", \.filtered), ("dead", \.dead),
        ] { summary.add("ledger reports \(name)", settled.0[keyPath: value], settled.1[keyPath: value]) }
    }
}
