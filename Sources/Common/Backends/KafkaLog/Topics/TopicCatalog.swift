import Common
import Synchronization

/// The topics that are known to exist, with their number of partitions.
final class TopicCatalog: Sendable {
    private let known = Mutex<[String: Int]>([:])

    subscript(name: String) -> Int? { known.withLock { $0[name] } }

    func replace(with topics: [String: Int]) { known.withLock { $0 = topics } }

    func forget(_ name: String) { known.withLock { $0[name] = nil } }
}
