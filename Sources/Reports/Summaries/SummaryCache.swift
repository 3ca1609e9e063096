import Common
import Synchronization

/// Summaries of days that questions have read, so that the next question reads only days that have changed.
///
/// Kept by workspace, the one asked for last is the last to go.
final class SummaryCache: Sendable {
    private let limit: Int
    /// In the order of their use.
    private let workspaces = Mutex<[(workspace: Int64, summaries: WorkspaceSummaries)]>([])

    /// - Parameter limit: Bytes that may be kept. What a question adds is counted when the next one comes.
    init(limit: Int) { self.limit = limit }

    /// Those of a workspace, by its number.
    func summaries(of workspace: Int64) -> WorkspaceSummaries {
        workspaces.withLock { workspaces in
            let place = workspaces.firstIndex { $0.workspace == workspace }
            workspaces.append(place.map { workspaces.remove(at: $0) } ?? (workspace, WorkspaceSummaries(isKept: true)))
            var size = workspaces.reduce(0) { $0 + $1.summaries.size }
            while size > limit, let oldest = workspaces.first {
                size -= oldest.summaries.size
                workspaces.removeFirst()
            }
            if let last = workspaces.last { return last.summaries }
            let summaries = WorkspaceSummaries(isKept: true)
            workspaces.append((workspace, summaries))
            return summaries
        }
    }
}

/// What was read of one workspace, its people numbered alike.
final class WorkspaceSummaries: Sendable {
    let authors = AuthorNumbers()
    /// Summaries of days, and of parts of days that are cut by a zone's midnight.
    let summaries = HeldPieces<ReadSummary>()
    /// Rollups of days.
    let quarters = HeldPieces<ReadQuarters>()
    /// Whether it is there for the next question as well.
    let isKept: Bool

    init(isKept: Bool = false) { self.isKept = isKept }

    /// What it takes of memory, in bytes.
    var size: Int { authors.size + summaries.size + quarters.size }
}

/// What was read of days and parts of days, each in the last state that was asked for.
final class HeldPieces<Value: HeldValue>: Sendable {
    private let held = Mutex<(values: [Range<Int64>: (piece: DayPiece, value: Value)], size: Int)>(([:], 0))

    /// What it takes of memory, in bytes.
    var size: Int { held.withLock { $0.size } }

    /// What is held of these, in this state.
    func held(_ pieces: [DayPiece]) -> [DayPiece: Value] {
        held.withLock { held in
            var found: [DayPiece: Value] = [:]
            found.reserveCapacity(pieces.count)
            for piece in pieces {
                if let (known, value) = held.values[piece.range], known == piece { found[piece] = value }
            }
            return found
        }
    }

    func hold(_ value: Value, of piece: DayPiece) {
        held.withLock { held in
            let old = held.values.updateValue((piece, value), forKey: piece.range)
            held.size += value.size - (old?.value.size ?? 0)
        }
    }
}

protocol HeldValue: Sendable {
    /// What it takes of memory, in bytes.
    var size: Int { get }
}

/// The summary of a day, or of a part of one, as it was read: people as numbers, the rest as bytes.
struct ReadSummary: HeldValue {
    let numbers: [UInt8]
    let people: NumberedPeople
    let quotes: [UInt8]

    var size: Int { numbers.count + quotes.count + people.size + 256 }
}

/// The rollups of a day as they were read.
struct ReadQuarters: HeldValue {
    struct Quarter: Sendable {
        /// In milliseconds.
        var start: Int64
        var sentiment: Sentiment
        var sums: RollupSums
    }

    let quarters: [Quarter]

    var size: Int { MemoryLayout<Quarter>.stride * quarters.count + 128 }
}
