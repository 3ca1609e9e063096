import Common
import Foundation
import TestKit

/// Kafka, as the tests have it: librdkafka's mock cluster, over TCP from a process of its own, or the real broker that
/// `EARSHOT_TEST_KAFKA=host:port` names, whose topics must be new.
enum Broker: Sendable {
    case mock(MockCluster)
    case real(String)

    init() throws {
        if let address = ProcessInfo.processInfo.environment["EARSHOT_TEST_KAFKA"] {
            self = .real(address)
        } else {
            let mock = try MockCluster()
            for topic in Topic.all { try mock.create(topic: topic.name, partitions: topic.partitions) }
            self = .mock(mock)
        }
    }

    /// The log's address, with settings by which members of a group miss each other soon.
    var url: String {
        switch self {
        // The mock cluster makes no topics for its clients.
        case .mock(let mock): "kafka://\(mock.address)?topics=expect&session.timeout.ms=4000&heartbeat.interval.ms=500"
        case .real(let address): "kafka://\(address)?session.timeout.ms=6000&heartbeat.interval.ms=500"
        }
    }

    /// Ends all connections and takes no new ones for a while. A real broker is left alone, unless
    /// `EARSHOT_TEST_KAFKA_STOP` and `EARSHOT_TEST_KAFKA_START` are commands that stop and start it.
    func cut(for time: Duration) async throws {
        switch self {
        case .mock(let mock):
            try mock.goDown()
            try await Task.sleep(for: time)
            try mock.comeUp()
        case .real:
            let environment = ProcessInfo.processInfo.environment
            guard let stop = environment["EARSHOT_TEST_KAFKA_STOP"], let start = environment["EARSHOT_TEST_KAFKA_START"]
            else { return }
            try await Self.perform(stop)
            try await Task.sleep(for: time)
            try await Self.perform(start)
        }
    }

    private static func perform(_ command: String) async throws {
        let status = try await onAThread { try ChildProcess(["/bin/sh", "-c", command]).wait() }
        if status != 0 { throw ProcessFailure("\(command) ended with \(status)") }
    }
}
