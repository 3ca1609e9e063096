import ByteJSON
import Common

/// Reading the kept raw events again, by the manifests, mappings and engines of now.
struct ReprocessJob: Sendable, Hashable {
    var id: JobID
    var filter: ReprocessFilter
    var requestedAt: Timestamp
    var finishedAt: Timestamp?
    /// One a raw partition.
    var parts: [ReprocessPart]

    /// How far it is, as the API tells it.
    var json: JSON {
        let total = parts.reduce(0) { $0 + $1.end - $1.first }
        var members: [String: JSON] = [
            "job_id": .string(id.rawValue), "status": .string(finishedAt == nil ? "running" : "completed"),
            "requested_at": .string(requestedAt.description), "events": .integer(total),
            "events_done": .integer(parts.reduce(0) { $0 + $1.next - $1.first }),
            "emitted": .integer(parts.reduce(0) { $0 + $1.emitted }),
            "failed": .integer(parts.reduce(0) { $0 + $1.failed }),
        ]
        members["workspace_id"] = filter.workspace.map { .string($0.rawValue) }
        members["stream_id"] = filter.stream.map { .string($0.rawValue) }
        members["finished_at"] = finishedAt.map { .string($0.description) }
        members["example_of_failure"] = parts.lazy.compactMap(\.example).first.map { .string($0) }
        return .object(members)
    }
}

/// Which events are read again; nil is all.
struct ReprocessFilter: Sendable, Hashable {
    var workspace: WorkspaceID?
    var stream: StreamID?

    func matches(_ facts: RawFacts) -> Bool {
        if let workspace, !facts.workspace.elementsEqual(workspace.rawValue.utf8) { return false }
        if let stream, !facts.stream.elementsEqual(stream.rawValue.utf8) { return false }
        return true
    }
}

/// One raw partition of a job: what was kept from `first` to `end` when it was asked for, read up to `next`.
struct ReprocessPart: Sendable, Hashable {
    var partition: Int
    var first: Int64
    var next: Int64
    var end: Int64
    /// Items that were sent again, and items that cannot be read and stay as they were.
    var emitted: Int64 = 0
    var failed: Int64 = 0
    /// Why one of these cannot be read.
    var example: String?
}
