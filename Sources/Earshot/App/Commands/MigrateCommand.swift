import ArgumentParser
import ByteJSON
import Common
import Foundation

/// `earshot migrate`: brings every service's tables up to date, or shows what that would do.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring every service's tables up to date.",
        discussion: """
            Examples: earshot migrate --data ./data
                      earshot migrate --data ./data --check    shows what is pending and changes nothing
            A server brings its tables up to date when it starts; this does it, or looks, before.
            With --check, exit code 1 says that something is pending.
            """)

    @Option(help: "The data folder.") var data: String?
    @Option(help: "A settings file (YAML).") var config: String?
    @Flag(help: "Change nothing; fail if something is pending.") var check = false
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try await reportingErrors {
            let settings = try await Settings.read(file: config, data: data)
            guard FileManager.default.fileExists(atPath: settings.data) else {
                throw SettingsError("data", "no folder \(settings.data); `earshot serve --data` makes one")
            }
            let folder = try DataFolder(settings.data)
            let stores = try await pending(settings, in: folder)
            let isPending = stores.contains { !$0.pending.isEmpty }
            if isPending, !check {
                guard let claim = folder.claim() else {
                    throw SettingsError("data", "a server has \(folder.path); stop it, then migrate")
                }
                for store in stores where !store.pending.isEmpty {
                    try await Assembly.database(of: store.service, settings: settings, in: folder).migrate(store.all)
                }
                withExtendedLifetime(claim) {}
            }
            show(stores)
            if isPending, check { throw ExitCode.failed }
        }
    }

    /// A service's schema, and what its store lacks of it.
    private struct Store {
        var service: String
        var all: [Migration]
        var pending: [Migration]
    }

    private func pending(_ settings: Settings, in folder: DataFolder) async throws -> [Store] {
        var stores: [Store] = []
        for (service, migrations) in Assembly.schemas {
            // Asking for what is pending makes no file.
            let isNew =
                settings.database == nil && !FileManager.default.fileExists(atPath: folder.database(of: service))
            let pending =
                isNew
                ? migrations
                : try await Assembly.database(of: service, settings: settings, in: folder).pending(migrations)
            stores.append(Store(service: service, all: migrations, pending: pending))
        }
        return stores
    }

    private func show(_ stores: [Store]) {
        guard !json else { return print(Self.json(of: stores, applied: !check)) }
        for store in stores {
            let name = store.service.padding(toLength: 12, withPad: " ", startingAt: 0)
            let schema = store.all.map(\.number).max() ?? 0
            if store.pending.isEmpty { print("\(name)up to date, schema \(schema)") }
            for migration in store.pending {
                print("\(name)\(check ? "pending" : "applied")  \(migration.number)  \(migration.title)")
            }
        }
    }

    private static func json(of stores: [Store], applied: Bool) -> String {
        let list = stores.map { store in
            let migrations = store.pending.map { migration in
                JSON.object(["number": .integer(Int64(migration.number)), "title": .string(migration.title)])
            }
            return JSON.object([
                "service": .string(store.service),
                "schema": .integer(Int64(store.all.map(\.number).max() ?? 0)),
                applied ? "applied" : "pending": .array(migrations),
            ])
        }
        let isPending = !applied && stores.contains { !$0.pending.isEmpty }
        let object = JSON.object(["up_to_date": .bool(!isPending), "stores": .array(list)])
        return String(decoding: object.bytes, as: UTF8.self)
    }
}
