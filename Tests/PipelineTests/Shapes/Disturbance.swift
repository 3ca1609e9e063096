import TestKit

/// Something that happens to a distributed installation while it works.
enum Disturbance: Sendable, CustomStringConvertible {
    /// A role's process is killed, and started again.
    case kill(role: String)
    case restartDatabase(PostgresCluster.Stop)
    /// All connections to the broker end, and none is made for a time.
    case cut(milliseconds: Int)
    /// A second process of a role comes, works for a time, and goes: killed or in good order.
    case visit(role: String, milliseconds: Int, isKilled: Bool)
    /// A role's process stands still until others have its partitions and leases; then it goes on as if nothing were.
    case zombie(role: String, milliseconds: Int)

    var description: String {
        switch self {
        case .kill(let role): "kill \(role)"
        case .restartDatabase(let stop): "restart the database (\(stop.rawValue))"
        case .cut(let time): "cut the broker off for \(time) ms"
        case .visit(let role, let time, let isKilled):
            "a second \(role) for \(time) ms, then \(isKilled ? "killed" : "stopped")"
        case .zombie(let role, let time): "freeze \(role) for \(time) ms beside a second one"
        }
    }

    /// Does it; returns when it is over and every role has its process again.
    func happen(to installation: DistributedInstallation) async throws {
        switch self {
        case .kill(let role):
            let process = try installation.process(role)
            process.kill()
            try await process.start()
        case .restartDatabase(let stop):
            try await installation.database.restart(stop)
        case .cut(let time):
            try await installation.broker.cut(for: .milliseconds(time))
        case .visit(let role, let time, let isKilled):
            let visitor = try installation.second(role)
            try await visitor.start()
            try await Task.sleep(for: .milliseconds(time))
            if isKilled { visitor.kill() } else { visitor.stop() }
        case .zombie(let role, let time):
            let (process, heir) = (try installation.process(role), try installation.second(role))
            try await heir.start()
            process.freeze()
            try await Task.sleep(for: .milliseconds(time))
            process.thaw()
            heir.stop()
        }
    }
}

/// Disturbances in their order, each after a pause; the same from the same seed.
struct DisturbancePlan: Sendable, CustomStringConvertible {
    struct Round: Sendable {
        let pause: Int
        let disturbance: Disturbance
    }
    let seed: UInt64
    let rounds: [Round]

    init(seed: UInt64, rounds count: Int) {
        self.seed = seed
        var random = RandomSource(seed: seed)
        rounds = (0..<count).map { _ in
            Round(pause: Int.random(in: 0...2500, using: &random), disturbance: .random(&random))
        }
    }

    var description: String {
        "EARSHOT_TEST_SEED=\(seed) EARSHOT_TEST_ROUNDS=\(rounds.count)\n"
            + rounds.enumerated().map { "\($0 + 1). after \($1.pause) ms: \($1.disturbance)" }.joined(separator: "\n")
    }
}

extension Disturbance {
    private static let shared = ["parser", "reports", "fetcher"]

    fileprivate static func random(_ random: inout RandomSource) -> Disturbance {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50: .kill(role: DistributedInstallation.roles[Int.random(in: 0..<5, using: &random)])
        case 50..<65:
            .restartDatabase(Bool.random(using: &random) ? .fast : .immediate)
        case 65..<80: .cut(milliseconds: Int.random(in: 100...3000, using: &random))
        case 80..<92:
            .visit(
                role: shared[Int.random(in: 0..<3, using: &random)],
                milliseconds: Int.random(in: 500...6000, using: &random), isKilled: Bool.random(using: &random))
        default:
            .zombie(
                role: shared[Int.random(in: 0..<3, using: &random)],
                milliseconds: Int.random(in: 6000...9000, using: &random))
        }
    }
}
