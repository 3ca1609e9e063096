public import Common
public import Logging
public import ServiceLifecycle

/// What a consumer of the log does with batches.
public protocol BatchHandler: Sendable {
    /// Where a partition is to be read from; nil means the group's committed offset.
    func start(of partition: Int) async throws -> Int64?

    /// Does all the work of these batches, or throws and has done nothing that doing it again would double.
    ///
    /// Bad items are the handler's affair: it makes dead letters of them. Throwing means: the same batches again,
    /// later. ``EventLogError/fenced(topic:partition:)`` means: somebody else has the partition.
    func handle(_ batches: [PartitionBatch]) async throws

    /// Does of this work what nobody else can see, while the batches before these are still being handled.
    ///
    /// - Returns: The rest of the work, under the terms of ``handle(_:)``. It runs after that of the batches before.
    func prepare(_ batches: [PartitionBatch]) async throws -> @Sendable () async throws -> Void
}

extension BatchHandler {
    public func start(of partition: Int) async throws -> Int64? { nil }

    public func prepare(_ batches: [PartitionBatch]) async throws -> @Sendable () async throws -> Void {
        { try await handle(batches) }
    }
}
