import ArgumentParser

/// `earshot roles`: what the binary consists of.
struct RolesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roles", abstract: "List the roles of the binary; `serve` runs them all, or those of --role.",
        discussion: "A role that runs apart listens at the port shown, unless one is set.")

    func run() {
        for role in RoleName.allCases {
            print("\(role.rawValue.padding(to: 11))\(role.port)   \(role.summary)")
        }
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
