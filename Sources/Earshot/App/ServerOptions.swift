import ArgumentParser
import Client
import Common

/// Which server a command talks to, and as whom.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's address.")
    var server = "http://127.0.0.1:8080"

    @Option(help: "A token of the account; `earshot token create` makes one.")
    var token: String

    func client() -> APIClient {
        APIClient(server: server, token: Secret(token), transport: Assembly.clientTransport())
    }
}
