import Common

/// What a lane may take of a source.
struct ReadScope: Sendable {
    var lane: Lane
    /// Live: where the stream begins.
    ///
    /// Backfill: the first instant that is read.
    var from: Timestamp
    /// The first instant that is not read; nil in the live lane.
    var to: Timestamp?
    /// What lies before is not taken; nil takes all.
    var floor: Timestamp?
    /// What the other lane has taken.
    var known: SeenItems?

    func admits(_ position: ReadPosition?) -> Bool {
        guard let time = position?.time else { return true }
        return floor.map { time >= $0 } ?? true && to.map { time < $0 } ?? true
    }

    func knows(_ item: PageItem) -> Bool { known?.contains(item.id, digest: item.digest) ?? false }
}

/// What to ask the provider for.
struct PagePlan: Sendable, Hashable {
    var continuation: Continuation
    var position: ReadPosition?
    var window: Window?
}
