import ArgumentParser
import Client
import Common

/// Which server a command talks to, and as whom.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's address; without it, EARSHOT_SERVER, else http://127.0.0.1:8080.")
    var server: String?

    @Option(help: "A token of the account; without it, EARSHOT_TOKEN. `earshot token create` makes one.")
    var token: String?

    func client() throws -> APIClient {
        let settings = ClientSettings.read()
        guard let token = token.map({ Secret($0) }) ?? settings.token, !token.reveal().isEmpty else {
            throw SettingsError("token", "give --token, or set EARSHOT_TOKEN; `earshot token create` makes one")
        }
        return APIClient(
            server: server ?? settings.server, token: token, transport: Assembly.clientTransport())
    }
}
