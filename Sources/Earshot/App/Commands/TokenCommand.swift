import ArgumentParser
import ByteJSON
import Common
import ServiceKit
import Workspace

/// `earshot token`: access for an account.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Give an account access.", subcommands: [Create.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token for an account; the account is made if it is new.",
            discussion: """
                Example: earshot token create --data ./data --account Acme --scopes read,write --json
                Works whether or not a server has the data folder. The token is shown once.
                """)

        @Option(help: "The data folder.") var data: String?
        @Option(help: "A settings file (YAML).") var config: String?
        @Option(help: "The account's name.") var account: String
        @Option(help: "What it may do: \(Scope.allCases.map(\.rawValue).joined(separator: ", ")), separated by commas.")
        var scopes = "manage,read,write"
        @Option(help: "Days until it expires.") var days = 365
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard (1...3650).contains(days) else { throw ValidationError("--days must be from 1 to 3650") }
            guard !account.isEmpty else { throw ValidationError("--account must not be empty") }
            _ = try parsedScopes()
        }

        func run() async throws {
            try await reportingErrors {
                let settings = try await Settings.read(file: config, data: data)
                let tokens = try AccessTokens(settings: settings, folder: DataFolder(settings.data))
                let made = try await tokens.make(account: account, scopes: parsedScopes(), days: days)
                guard json else { return print(made.token.reveal()) }
                var w = JSONWriter()
                w.beginObject()
                w.member("token", made.token.reveal())
                w.member("token_id", made.id.rawValue)
                w.member("account_id", made.account.rawValue)
                w.member("account", account)
                w.member("expires_at", made.expiresAt.description)
                w.endObject()
                print(String(decoding: w.bytes, as: UTF8.self))
            }
        }

        private func parsedScopes() throws -> Set<Scope> {
            let names = scopes.split(separator: ",").map { $0.trimmingPrefix(" ") }
            let known = try names.map { name in
                guard let scope = Scope(rawValue: String(name)) else {
                    throw ValidationError(
                        "no scope \(name); there are \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                return scope
            }
            guard !known.isEmpty else { throw ValidationError("--scopes names none") }
            return Set(known)
        }
    }
}
