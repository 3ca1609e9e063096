import ByteJSON
import Common

/// What a run before this one appended as feedback beyond the position that it could still commit.
///
/// What was appended is counted and not appended again, even if a rule has changed since; so every item has one
/// fate, whatever the moment of a crash.
struct AppendedBefore: Sendable {
    private var references: Set<Feedback.RawReference> = []
    /// The highest reference by feedback partition: readers drop what is not higher.
    private var highest: [Int: Feedback.RawReference] = [:]

    /// What to do with an item that may have been appended.
    enum Fate { case fresh, appended, decidedOtherwise }

    init() {}

    /// Reads the feedback topic from these ends on for items of one raw partition at or behind a position.
    init(readingFrom ends: [Int64], rawPartition: Int, next: Int64, log: any EventLog) async throws {
        for bounds in try await log.bounds(of: .feedback) {
            var at = max(bounds.first, ends.indices.contains(bounds.partition) ? ends[bounds.partition] : 0)
            while at < bounds.end {
                let records = try await log.read(.feedback, partition: bounds.partition, from: at, limit: 1000)
                guard !records.isEmpty else { break }
                for i in 0..<records.count {
                    guard records.headers(at: i).bytes(FeedbackHeader.reprocess) == nil,
                        let reference = records.rawReference(at: i), reference.partition == rawPartition,
                        reference.offset >= next
                    else { continue }
                    references.insert(reference)
                    highest[bounds.partition] = max(highest[bounds.partition] ?? reference, reference)
                }
                at = records.offset(at: records.count - 1) + 1
            }
        }
    }

    /// Whether all of it lies before a position, so that it need not be asked any more.
    func lies(before next: Int64) -> Bool { references.allSatisfy { $0.offset < next } }

    /// Which items of an event from this one on were appended, in order.
    func items(ofEventAt offset: Int64, from first: Int) -> [Int] {
        references.isEmpty
            ? [] : references.filter { $0.offset == offset && $0.item >= first }.map(\.item).sorted()
    }

    /// - Parameter id: Where the item goes, if it goes on as feedback.
    func fate(of reference: Feedback.RawReference, id: FeedbackID?) -> Fate {
        if references.isEmpty { return .fresh }
        if references.contains(reference) { return .appended }
        guard let id else { return .fresh }
        let partition = Partitioner.partition(forKey: Array(id.rawValue.utf8), of: Topic.feedback.partitions)
        return highest[partition].map { reference < $0 } == true ? .decidedOtherwise : .fresh
    }
}

extension RecordBatch {
    /// Which raw event a feedback record was read from.
    fileprivate func rawReference(at index: Int) -> Feedback.RawReference? {
        guard let value = value(at: index), let document = try? JSONDocument(parsing: Array(value)),
            let raw = document.root["context_info"]?["raw"], let partition = raw["partition"]?.int64,
            let offset = raw["offset"]?.int64, let item = raw["item"]?.int64
        else { return nil }
        return Feedback.RawReference(partition: Int(clamping: partition), offset: offset, item: Int(clamping: item))
    }
}
