import Common

/// The records of one pull of the topic, with what the transaction looks up for them put in order before it begins.
struct Pull: Sendable {
    /// A merge key that arrived.
    struct Key: Sendable {
        var key: Digest128
        /// The only item that has it in this pull; nil if there are several.
        var owner: Digest128?
    }

    let records: [Incoming]
    /// Whose items these are.
    let workspaces: Set<WorkspaceID>
    /// The ids of the items, each once, in order.
    let ids: [Digest128]
    /// Where in `ids` the item of each record is; -1 for what is no item.
    let places: [Int]
    /// The merge keys of the items, each once, in order.
    let keys: [Key]
    /// What is counted of each record's item if it is stored and no cross-post; nil where a word of it has no number yet.
    let facts: [Fact?]

    /// - Parameter known: The numbers of words, as far as they are known.
    init(_ records: [Incoming], known: [Word: Int64] = [:]) {
        var words = WordNumbers(nil, known: known)
        facts = records.map { record -> Fact? in
            guard case .item(let arrival) = record.content else { return nil }
            return try? Fact(of: arrival, isMerged: false, words: &words)
        }
        self.records = records
        var items: [(id: Digest128, record: Int)] = []
        var keys: [(key: Digest128, id: Digest128)] = []
        items.reserveCapacity(records.count)
        keys.reserveCapacity(records.count)
        var workspaces: Set<WorkspaceID> = []
        var last: WorkspaceID?
        for (index, record) in records.enumerated() {
            guard case .item(let arrival) = record.content else { continue }
            items.append((arrival.id, index))
            if arrival.workspace != last { workspaces.insert(arrival.workspace) }
            last = arrival.workspace
            if let key = arrival.mergeKey { keys.append((key, arrival.id)) }
        }
        items.sort { $0.id < $1.id }
        keys.sort { $0.key < $1.key }

        var ids: [Digest128] = []
        var places = [Int](repeating: -1, count: records.count)
        ids.reserveCapacity(items.count)
        for (id, record) in items {
            if ids.last != id { ids.append(id) }
            places[record] = ids.count - 1
        }
        var once: [Key] = []
        once.reserveCapacity(keys.count)
        for (key, id) in keys {
            if let last = once.last, last.key == key {
                if last.owner != id { once[once.count - 1].owner = nil }
            } else {
                once.append(Key(key: key, owner: id))
            }
        }
        self.workspaces = workspaces
        self.ids = ids
        self.places = places
        self.keys = once
    }
}

extension [Digest128] {
    /// Where a value is in this list, which is in order and has it once; nil if it has not.
    ///
    /// - Parameter guess: Where it may be: who looks for values in their order guesses right.
    func place(of value: Digest128, guess: Int = 0) -> Int? {
        if guess < count, self[guess] == value { return guess }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == value ? low : nil
    }
}
