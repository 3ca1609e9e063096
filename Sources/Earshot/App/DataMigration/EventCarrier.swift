import Common
import Crypto

/// Appends the raw events of one workspace to another installation's log, behind all that is there.
///
/// Each says in a header where it lay: so the parser there passes it over, and a copy that was cut short finds what it
/// has appended.
struct EventCarrier: Sendable {
    private static let batchRecords = 1000

    let source: any EventLog
    let target: any EventLog
    let workspace: WorkspaceID
    /// Where the target's partitions ended before the copy began.
    let ends: [Int64]
    /// Called with the number of events that were dealt with since the last time.
    let report: @Sendable (Int) -> Void

    /// What was carried over.
    struct Outcome: Sendable {
        /// Events that the source's log keeps.
        var kept = 0
        /// Those that the target's log has, byte by byte the same.
        var same = 0
        var places: [LogPosition: LogPosition] = [:]
    }

    /// An event at the target.
    private struct Carried {
        var place: LogPosition
        var digest: Digest128
    }

    /// Appends what is not there yet, and compares all of it.
    func carry() async throws -> Outcome {
        let before = try await carried()
        try await eachEvent { position, records, index, batch in
            if before[position] != nil { return }
            batch.append(
                key: records.key(at: index), headers: Self.headers(records.headers(at: index), from: position),
                value: records.value(at: index), timestamp: records.timestamp(at: index))
        }
        let after = try await carried()
        var outcome = Outcome()
        outcome.places = after.mapValues(\.place)
        var same = 0
        var kept = 0
        try await eachEvent { position, records, index, _ in
            kept += 1
            if after[position]?.digest == Self.digest(of: records, at: index) { same += 1 }
        }
        (outcome.kept, outcome.same) = (kept, same)
        return outcome
    }

    /// Hands out the workspace's events; what `body` adds to the batch is appended.
    private func eachEvent(
        _ body: (_ at: LogPosition, _ records: RecordBatch, _ index: Int, _ batch: inout RecordBatch) -> Void
    ) async throws {
        for bounds in try await source.bounds(of: .raw) {
            var at = bounds.first
            while at < bounds.end {
                let records = try await source.read(
                    .raw, partition: bounds.partition, from: at, limit: Self.batchRecords)
                guard !records.isEmpty else { break }
                var batch = RecordBatch()
                for index in 0..<records.count where isOurs(records.headers(at: index)) {
                    let position = LogPosition(partition: bounds.partition, offset: records.offset(at: index))
                    body(position, records, index, &batch)
                }
                if !batch.isEmpty {
                    try await target.append(batch, to: .raw)
                    report(batch.count)
                }
                at = records.offset(at: records.count - 1) + 1
            }
        }
    }

    /// What the target has, by where it lay.
    private func carried() async throws -> [LogPosition: Carried] {
        var found: [LogPosition: Carried] = [:]
        for bounds in try await target.bounds(of: .raw) {
            var at = ends.indices.contains(bounds.partition) ? max(bounds.first, ends[bounds.partition]) : bounds.first
            while at < bounds.end {
                let records = try await target.read(
                    .raw, partition: bounds.partition, from: at, limit: Self.batchRecords)
                guard !records.isEmpty else { break }
                for index in 0..<records.count {
                    let headers = records.headers(at: index)
                    guard isOurs(headers), let origin = headers[RawHeader.carriedFrom].flatMap(Self.position),
                        found[origin] == nil
                    else { continue }
                    found[origin] = Carried(
                        place: LogPosition(partition: bounds.partition, offset: records.offset(at: index)),
                        digest: Self.digest(of: records, at: index))
                }
                at = records.offset(at: records.count - 1) + 1
            }
        }
        return found
    }

    private func isOurs(_ headers: RecordHeaders) -> Bool {
        headers.bytes(RawHeader.workspace)?.elementsEqual(workspace.rawValue.utf8) == true
    }

    /// The event's headers, and where it lay.
    private static func headers(_ headers: RecordHeaders, from position: LogPosition) -> RecordHeaders {
        var carried = own(headers)
        carried.append(RawHeader.carriedFrom, "\(position.partition)/\(position.offset)")
        return carried
    }

    /// The headers without what a move has added.
    private static func own(_ headers: RecordHeaders) -> RecordHeaders {
        guard headers.bytes(RawHeader.carriedFrom) != nil else { return headers }
        var own = RecordHeaders()
        for (name, value) in headers.all where name != RawHeader.carriedFrom { own.append(name, value) }
        return own
    }

    private static func position(_ text: String) -> LogPosition? {
        let parts = text.split(separator: "/").compactMap { Int64($0) }
        return parts.count == 2 ? LogPosition(partition: Int(parts[0]), offset: parts[1]) : nil
    }

    private static func digest(of records: RecordBatch, at index: Int) -> Digest128 {
        var hash = SHA256()
        let parts = [
            records.key(at: index).map(Array.init), Array(own(records.headers(at: index)).encoded),
            records.value(at: index).map(Array.init),
        ]
        for part in parts {
            hash.update(data: Array("\(part?.count ?? -1):".utf8))
            hash.update(data: part ?? [])
        }
        return Digest128(hash.finalize())
    }
}
