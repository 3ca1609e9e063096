import Common
import Foundation
import Logging
import ServiceKit

/// Copies a whole installation from a data folder to where settings say: the log with its offsets, every table, and
/// where each group of consumers is.
///
/// Nothing in the source changes but its note of the copy. Run again after it was cut short, it goes on.
struct DataMigration: Sendable {
    let from: DataFolder
    let settings: Settings
    /// Whether to compare all records, and all rollups with their rows, when everything is there.
    var deep = false
    let logger: Logger
    /// Called with what is copied, how much of it is done and how much there is.
    let report: @Sendable (_ what: String, _ done: Int, _ total: Int) -> Void

    private var sides: MigrationSides { MigrationSides(from: from, settings: settings, logger: logger) }

    func run() async throws -> MigrationSummary {
        let to = try DataFolder(settings.data)
        let claims = try sides.claim(to)
        try await sides.checkSchemas()
        let key = try await checkMasterKey()
        let before = try await sides.diagnosis(sides.source, from, deep: deep)
        let summary = try await copy(to, before, masterKey: key)
        withExtendedLifetime(claims) {}
        return summary
    }

    /// Credentials are copied sealed: they open with the same key, or never.
    ///
    /// - Returns: The key, where the target's folder is to hold it.
    private func checkMasterKey() async throws -> [UInt8]? {
        let given = try settings.masterKeyBytes()
        guard given != nil || from.hasMasterKey && (settings.log == nil || settings.database == nil) else {
            throw SettingsError(
                "master_key",
                "set EARSHOT_MASTER_KEY to what \(from.path)/keys/master.key holds, or to the key its server was given")
        }
        let key = try given ?? from.masterKey()
        let database = try Assembly.database(of: "workspace", settings: sides.source, in: from)
        let sealed = try await database.read { try $0.query("SELECT sealed FROM service_key") { $0.text(0) } }
        try await database.close()
        do {
            let vault = try Vault(masterKey: key)
            for sealed in sealed { _ = try vault.seal(Secret("a try"), sealedKey: sealed) }
        } catch is VaultError {
            throw SettingsError(
                "master_key", "it does not open what \(from.path) has sealed; set the key that its server was given")
        }
        return given == nil ? key : nil
    }

    private func copy(
        _ to: DataFolder, _ before: Diagnosis, masterKey: [UInt8]?
    ) async throws -> MigrationSummary {
        var marker = MigrationMarker(
            target: MigrationMarker.name(of: settings), begunAt: Timestamp.now.description, finishedAt: nil)
        var isResumed = false
        if let known = MigrationMarker.read(from: from), known.target == marker.target, known.finishedAt == nil {
            isResumed = true
            marker = known
        }
        var summary = MigrationSummary(from: from.path, isResumed: isResumed)
        try await sides.withLogs(to) { source, target in
            try await target.create(Topic.all)
            if !isResumed { try await requireEmpty(target, to) }
            if let masterKey { try to.keep(masterKey: masterKey) }
            try marker.write(to: from)
            summary.topics = try await copyTopics(source, target)
        }
        summary.tables = try await copyTables(to)
        var there = settings
        there.roles = RoleName.allCases
        summary.books = .init(source: before, target: try await sides.diagnosis(there, to, deep: deep))
        if summary.isEqual {
            marker.finishedAt = Timestamp.now.description
            try marker.write(to: from)
        }
        return summary
    }

    /// - Throws: ``MigrationFailure`` if anything of ours is at the target already.
    private func requireEmpty(_ target: any EventLog, _ to: DataFolder) async throws {
        for topic in Topic.all {
            let records = try await target.bounds(of: topic).reduce(0) { $0 + $1.end }
            if records > 0 {
                throw MigrationFailure(
                    "the target is not empty: \(topic) has had \(records) records. Give an empty place; what is there "
                        + "is not touched")
            }
        }
        for (service, migrations) in Assembly.schemas {
            let here = try Assembly.database(of: service, settings: sides.source, in: from)
            let there = try Assembly.database(of: service, settings: settings, in: to)
            let tables = try await StoredTable.all(in: here)
            let isNew = try await there.pending(migrations).count == migrations.count
            for table in isNew ? [] : tables {
                let rows = try await table.count(in: there)
                if rows > 0 {
                    throw MigrationFailure(
                        "the target is not empty: table \(table.name) of \(service) has \(rows) rows. Give an empty "
                            + "place; what is there is not touched")
                }
            }
            try await here.close()
            try await there.close()
        }
    }

    private func copyTopics(_ source: any EventLog, _ target: any EventLog) async throws -> [LogComparison] {
        var hasStandIns = false
        for topic in Topic.all {
            let bounds = try await source.bounds(of: topic)
            let total = bounds.reduce(0) { $0 + Int($1.end - $1.first) }
            hasStandIns = hasStandIns || topic.retention != .compacted && bounds.contains { $0.first > 0 }
            let done = Tally()
            try await TopicCopier(source: source, target: target) { topic, count in
                report(topic.name, done.add(count), total)
            }.copy(topic)
        }
        try await TopicCopier(source: source, target: target) { _, _ in }.copyPositions()
        var comparisons: [LogComparison] = []
        for topic in Topic.all {
            comparisons.append(try await LogComparison(topic, source: source, target: target, deep: deep))
        }
        do {
            if hasStandIns { try await target.maintain(now: .now) }
        } catch {
            logger.warning(
                "the target does not remove what stands in for records that are gone; its retention will",
                metadata: ["error": "\(error)"])
        }
        return comparisons
    }

    private func copyTables(_ to: DataFolder) async throws -> [MigrationSummary.Table] {
        var copied: [MigrationSummary.Table] = []
        for (service, migrations) in Assembly.schemas {
            let here = try Assembly.database(of: service, settings: sides.source, in: from)
            let there = try Assembly.database(of: service, settings: settings, in: to)
            try await there.migrate(migrations)
            for table in try await StoredTable.all(in: here) {
                let total = try await table.count(in: here)
                var done = 0
                var last: [SQLValue]?
                while true {
                    let rows = try await table.page(after: last, limit: 1000, in: here)
                    guard let row = rows.last else { break }
                    try await table.insert(rows, into: there)
                    done += rows.count
                    last = table.key(of: row)
                    report("\(service) \(table.name)", done, total)
                }
                copied.append(
                    MigrationSummary.Table(
                        service: service, table: table.name, source: total,
                        target: try await table.count(in: there)))
            }
            try await here.close()
            try await there.close()
        }
        return copied
    }
}
