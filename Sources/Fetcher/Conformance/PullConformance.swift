import ByteJSON
import Common
public import Connectors
import Logging
public import ServiceKit

/// What every connector that polls must do, tried with the fetcher's own reading: a server on loopback plays the
/// provider of a fixture folder over HTTP, and makes trouble.
///
/// The cases are those with `provider`; ``Connectors/ConformanceKit`` tries the others.
public struct PullConformance: Sendable {
    private let kit: ConformanceKit
    private let context: RoleContext

    /// - Parameter context: A log whose topics exist and a database, which are written to; a transport that may reach
    ///   loopback.
    public init(_ kit: ConformanceKit, context: RoleContext) {
        self.kit = kit
        self.context = context
    }

    /// Tries all cases; nothing, if the connector polls nothing.
    public func run() async throws -> [ConformanceKit.Result] {
        guard !kit.manifest.read.isEmpty else { return [] }
        try await context.database.migrate(Migration.fetcher)
        var results: [ConformanceKit.Result] = []
        var sources: Set<String> = []
        var identities: Set<[String]> = []
        for test in kit.cases where test.isProvider {
            let pulled = try PulledCase(test, kit, context)
            for check in PulledCase.Check.allCases {
                let failures = try await pulled.failures(check)
                results.append(
                    ConformanceKit.Result(
                        name: "\(test.name), \(check.rawValue)", about: check.about, failures: failures))
            }
            let taken = try await pulled.identities()
            sources.formUnion(taken.map(\.source))
            identities.formUnion(taken.map(\.identity))
        }
        results.append(whole(sources, identities))
        return results
    }

    /// What all cases together must show.
    private func whole(_ sources: Set<String>, _ identities: Set<[String]>) -> ConformanceKit.Result {
        var failures: [String] = []
        let leaves = kit.manifest.read.flatMap { $0.nested.isEmpty ? [$0] : $0.nested }
        for source in leaves where !sources.contains(source.name) {
            failures.append(
                "nothing was read of the source `\(source.name)`: add a case with `provider`, its answers page by page")
        }
        if kit.manifest.receive != nil, !sources.isEmpty, identities.isDisjoint(with: pushed) {
            failures.append(
                "no item comes both ways: add a case with `push` for an item that a `provider` has, so that both are "
                    + "held to one identity")
        }
        return ConformanceKit.Result(
            name: "all sources", about: "Every source is read, and what is pushed and pulled has one identity",
            failures: failures)
    }

    /// Instance and id of what the push cases bring.
    private var pushed: Set<[String]> {
        var identities: Set<[String]> = []
        for test in kit.cases {
            guard case .push = test.input, let outcomes = try? kit.outcome(of: test).array else { continue }
            for outcome in outcomes {
                guard let item = outcome["item"], let instance = item["instance"]?.string,
                    let id = item["external_id"]?.string
                else { continue }
                identities.insert([instance, id])
            }
        }
        return identities
    }
}
