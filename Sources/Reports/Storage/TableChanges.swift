import Common

/// What a transaction of the sink does to items, facts and rollups, collected so that each table is written at once.
struct TableChanges {
    private typealias Row = (item: StoredItem, document: [UInt8])

    private var rollups = RollupChanges()
    private var newItems: [Row] = []
    private var items: [Row] = []
    private var merged: [(id: Digest128, into: Digest128?)] = []
    private var newFacts: [Fact] = []
    private var facts: [Fact] = []
    private var gone: [Fact] = []

    init(capacity: Int) {
        newItems.reserveCapacity(capacity)
        newFacts.reserveCapacity(capacity)
    }

    /// Items come in the order of their ids.
    ///
    /// - Parameter isNew: Whether there is no row of it.
    mutating func put(_ item: StoredItem, _ document: [UInt8], isNew: Bool) {
        if isNew { newItems.append((item, document)) } else { items.append((item, document)) }
    }

    /// Says of an item that is otherwise left alone what it is merged into.
    mutating func merge(_ id: Digest128, into other: Digest128?) { merged.append((id, other)) }

    /// - Parameter old: The fact that is there; nil if there is none.
    mutating func replace(_ old: Fact?, by new: Fact?) {
        if let old { rollups.subtract(old) }
        if let new { rollups.add(new) }
        guard let old else {
            if let new { newFacts.append(new) }
            return
        }
        if let new, new.timestamp == old.timestamp {
            facts.append(new)
        } else {
            gone.append(old)
            if let new { newFacts.append(new) }
        }
    }

    fileprivate func write(to connection: any DatabaseConnection, at now: Timestamp) throws {
        // While the database writes the documents, the others are made ready.
        try connection.delete(gone)
        for (rows, areNew) in [(newItems, true), (items, false)] {
            try connection.write(rows, areNew: areNew, storedAt: now)
        }
        try connection.merge(merged)
        try connection.write(newFacts, areNew: true)
        try connection.write(facts, areNew: false)
        try connection.markChanged(rollups.days, at: now)
        try connection.apply(rollups)
    }
}

extension DatabaseConnection {
    func write(_ changes: TableChanges, at now: Timestamp) throws { try changes.write(to: self, at: now) }
}
