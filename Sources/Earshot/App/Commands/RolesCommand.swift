import ArgumentParser

/// `earshot roles`: what the binary consists of.
struct RolesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roles", abstract: "List the roles of the binary; `serve` runs them all.")

    func run() {
        for name in Assembly.roleNames { print(name) }
    }
}
