import Foundation
import Synchronization

/// librdkafka's mock cluster in a process of its own (`KafkaMock`), reached over TCP as a cluster is.
///
/// Tests that use it depend on `KafkaMock`, which is built beside them.
public final class MockCluster: Sendable {
    /// Its broker, `host:port`.
    public let address: String
    private let process: Mutex<ChildProcess>

    public init() throws {
        let process = try ChildProcess(
            [Bundle.main.bundleURL.appendingPathComponent("KafkaMock").path], hasChannel: true)
        guard let line = process.hear() else { throw ProcessFailure("KafkaMock says nothing") }
        address = line
        self.process = Mutex(process)
    }

    deinit {
        process.withLock { process in
            try? process.channel?.close()
            process.wait()
        }
    }

    public func create(topic: String, partitions: Int) throws { try tell("topic \(topic) \(partitions)") }
    /// The next requests of a kind fail.
    public func fail(api: Int, with code: Int32, times: Int) throws { try tell("fail \(api) \(code) \(times)") }
    /// Cuts all connections and takes no new ones.
    public func goDown() throws { try tell("down") }
    public func comeUp() throws { try tell("up") }
    /// Says that it has no such topic, as a broker does that has just begun.
    public func forget(topic: String) throws { try tell("forget \(topic)") }
    public func recall(topic: String) throws { try tell("recall \(topic)") }

    private func tell(_ line: String) throws {
        try process.withLock { process in
            try process.say(line)
            let answer = process.hear()
            guard answer == "ok" else {
                throw ProcessFailure("the mock cluster was told \(line) and said \(answer ?? "nothing")")
            }
        }
    }
}
