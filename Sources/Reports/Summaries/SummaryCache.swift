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
            workspaces.append(place.map { workspaces.remove(at: $0) } ?? (workspace, WorkspaceSummaries()))
            var size = workspaces.reduce(0) { $0 + $1.summaries.size }
            while size > limit, let oldest = workspaces.first {
                size -= oldest.summaries.size
                workspaces.removeFirst()
            }
            if let last = workspaces.last { return last.summaries }
            let summaries = WorkspaceSummaries()
            workspaces.append((workspace, summaries))
            return summaries
        }
    }
}

/// The days of one workspace that were read, their people numbered alike.
final class WorkspaceSummaries: Sendable {
    let authors = AuthorNumbers()
    private let days = Mutex<(held: [Int64: ReadDay], size: Int)>(([:], 0))

    /// What it takes of memory, in bytes.
    var size: Int { authors.size + days.withLock { $0.size } }

    /// The days of this state that are held.
    func held(_ states: [DayState]) -> [Int64: ReadDay] {
        days.withLock { days in
            var held: [Int64: ReadDay] = [:]
            held.reserveCapacity(states.count)
            for state in states {
                if let day = days.held[state.day], day.state == state { held[state.day] = day }
            }
            return held
        }
    }

    func hold(_ day: ReadDay) {
        days.withLock { days in
            days.size += day.size - (days.held.updateValue(day, forKey: day.state.day)?.size ?? 0)
        }
    }
}

/// What tells whether the facts of a day are the same. A day whose row is gone and comes again has another time.
struct DayState: Hashable, Sendable {
    var day: Int64
    var version: Int64
    var changedAt: Int64
}

/// The summary of a day as it was read: people as numbers, the rest as bytes.
struct ReadDay: Sendable {
    let state: DayState
    let numbers: [UInt8]
    let people: NumberedPeople
    let quotes: [UInt8]

    /// What it takes of memory, in bytes.
    var size: Int { numbers.count + quotes.count + people.size + 256 }
}
