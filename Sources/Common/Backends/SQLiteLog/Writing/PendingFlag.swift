import Synchronization

/// Whether there are records that are acknowledged and cannot be read yet.
final class PendingFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set(_ value: Bool) { flag.store(value, ordering: .releasing) }
}
