import Common

/// What one pull of the topic does to the tables, in one transaction.
struct SinkTransaction {
    /// What a committed transaction leaves to be told.
    struct Outcome: Sendable {
        var words: [Word: Int64]
        var ledgers: [String: ReportsLedger]
        var redelivered: Int
        /// Items of raw events that were read again; they are in no ledger a second time.
        var reprocessed: Int
        /// Items that are new or changed, in the order of their arrival.
        var news: [FeedbackNews]
    }

    /// An item of the pull: as it was, as it is by now, and what arrived of it.
    private struct Slot {
        var before: StoredItem?
        var item: StoredItem?
        var arrival: Arrival?
        /// What is counted of that, if it was found out before the transaction.
        var fact: Fact?
    }

    private let connection: any DatabaseConnection
    /// What is older is not kept; in milliseconds.
    private let oldest: Int64
    /// Whether facts of items that are not known are looked for: they are what is left of a row that was lost.
    private let expectsStrayFacts: Bool
    private let now: Timestamp
    private var words: WordNumbers
    private var accounts: WorkspaceAccounts
    /// The ids of the items, in order; their slots are in the same places.
    private var ids: [Digest128] = []
    private var slots: [Slot] = []
    private var clusters = Clusters()
    private var redelivered = 0
    private var reprocessed = 0

    init(
        _ connection: any DatabaseConnection, workspaces: [WorkspaceID: WorkspaceRecord], known: [Word: Int64],
        oldest: Int64 = .min, expectsStrayFacts: Bool = false, now: Timestamp
    ) {
        self.connection = connection
        self.oldest = oldest
        self.expectsStrayFacts = expectsStrayFacts
        self.now = now
        words = WordNumbers(connection, known: known)
        accounts = WorkspaceAccounts(workspaces)
    }

    /// Does all of it.
    ///
    /// - Throws: ``EventLogError/fenced(topic:partition:)`` if a partition was handled by somebody else.
    mutating func run(_ batches: [PartitionBatch], _ pull: Pull) throws -> Outcome {
        try connection.advance(batches)
        let isFresh = try passWatermarks(pull.records, partitions: batches.map(\.partition))
        if isFresh.contains(true) { try load(pull.ids, pull.keys) }
        for (index, one) in pull.records.enumerated() where isFresh[index] {
            switch one.content {
            case .dead where one.isReprocessed: reprocessed += 1
            case .dead(let letter): accounts.count(.dead, of: letter.workspace)
            case .item(let arrival):
                let place = pull.places[index]
                let outcome =
                    try one.withdraws.map { withdraw(arrival, place, $0) }
                    ?? take(arrival, place, pull.facts[index], again: one.isReprocessed)
                if one.isReprocessed {
                    reprocessed += 1
                } else {
                    accounts.count(outcome, of: arrival.workspace)
                }
            }
        }
        try save()
        // The database still writes the documents.
        let news = news(in: pull, isFresh)
        let ledgers = accounts.ledgers
        try connection.add(ledgers)
        return Outcome(
            words: words.fresh, ledgers: ledgers, redelivered: redelivered, reprocessed: reprocessed, news: news)
    }

    /// Keeps nothing of these items but what tells an old copy of them, as if a rule had kept them out.
    mutating func forget(_ ids: [Digest128]) throws {
        try load(Set(ids).sorted(), [])
        for place in slots.indices {
            guard let old = slots[place].before, old.state == .live else { continue }
            slots[place].item = old.keptOut(raw: old.raw)
            clusters.remove(old)
        }
        try save()
    }

    /// Tells which records were not seen before.
    private mutating func passWatermarks(_ records: [Incoming], partitions: [Int]) throws -> [Bool] {
        var marks = try Watermarks(connection, partitions: partitions)
        let isFresh = records.map { one in
            one.isReprocessed || one.raw.map { marks.pass($0, in: one.partition) } ?? true
        }
        redelivered = isFresh.count { !$0 }
        try marks.save(connection)
        return isFresh
    }

    /// Reads what the tables know of the items and of those that say the same.
    private mutating func load(_ ids: [Digest128], _ keys: [Pull.Key]) throws {
        self.ids = ids
        slots = Array(repeating: Slot(), count: ids.count)
        var next = 0
        try connection.forEachItem(of: ids) { item in
            guard let place = ids.place(of: item.id, guess: next) else { return }
            slots[place].before = item
            slots[place].item = item
            next = place + 1
        }
        clusters = try Clusters(connection, arriving: keys, others: slots.compactMap(\.before?.mergeKey))
    }

    /// Decides what becomes of one item.
    ///
    /// - Parameter again: Whether its raw event was read before. What is read now takes the place of what was read
    ///   there then, though the provider's revision be the same, or an earlier one by another mapping.
    private mutating func take(
        _ arrival: Arrival, _ place: Int, _ fact: Fact?, again: Bool
    ) throws -> ItemOutcome {
        let account = accounts.place(of: arrival.workspace)
        let old = slots[place].item
        let state: StoredItem.State =
            arrival.revision.isDeletion
            ? .deleted
            : arrival.saysNothing || arrival.timestamp < oldest || accounts[account].record?.keepsOut(arrival) == true
                ? .filtered : .live
        let isLater =
            old.map { old in
                old.revision < arrival.revision || isReadmitted(old, arrival.revision)
                    || again && old.raw == arrival.raw
            } ?? true
        guard isLater else { return state == .filtered ? .filtered : .duplicate }

        let isLive = state == .live
        let new = StoredItem(
            id: arrival.id, workspace: try number(of: account), timestamp: isLive ? arrival.timestamp : 0,
            revision: arrival.revision, state: state, mergeKey: isLive ? arrival.mergeKey : nil, mergedInto: nil,
            raw: arrival.raw)
        slots[place].item = new
        slots[place].arrival = isLive ? arrival : nil
        slots[place].fact = isLive ? fact : nil
        if let old { clusters.remove(old) }
        let isNewCanonical = clusters.insert(new)
        return switch state {
        case .filtered: .filtered
        case .deleted: .stored
        case .live: old == nil && !isNewCanonical ? .merged : .stored
        }
    }

    /// Takes an item back, if it is still what a raw event said: what is newer, or came from elsewhere, stays.
    ///
    /// It is kept out as by a rule, so that it comes back when it is sent again.
    private mutating func withdraw(
        _ arrival: Arrival, _ place: Int, _ raw: (partition: Int, offset: Int64)
    ) -> ItemOutcome {
        guard let old = slots[place].item, old.state == .live, old.raw.partition == raw.partition,
            old.raw.offset == raw.offset
        else { return .duplicate }
        slots[place].item = old.keptOut(raw: arrival.raw)
        slots[place].arrival = nil
        slots[place].fact = nil
        clusters.remove(old)
        return .filtered
    }

    /// A rule that kept it out may be gone by now.
    private func isReadmitted(_ old: StoredItem, _ revision: Revision) -> Bool {
        old.state == .filtered && old.revision == revision
    }

    private mutating func number(of account: Int) throws -> Int64 {
        if let number = accounts[account].number { return number }
        let number = try words.number(.workspace, accounts[account].id.rawValue)
        accounts[account].number = number
        return number
    }

    /// Writes items and facts, and what that changes in the rollups.
    private mutating func save() throws {
        let changed = slots.indices.filter { slots[$0].before != slots[$0].item || slots[$0].arrival != nil }
        let oldFacts = try connection.facts(of: changed.compactMap { slots[$0].before }.filter { $0.state == .live })
        let strayFacts =
            expectsStrayFacts ? try connection.facts(of: changed.compactMap { slots[$0].item }) : [:]
        var changes = TableChanges(capacity: changed.count)
        for place in changed {
            guard var new = slots[place].item else { continue }
            let arrival = slots[place].arrival
            new.mergedInto = clusters.canonical(for: new)
            changes.put(new, arrival?.document ?? [], isNew: slots[place].before == nil)
            if let stray = strayFacts[new.id], stray != oldFacts[new.id] { changes.replace(stray, by: nil) }
            var fact = try slots[place].fact ?? arrival.map { try Fact(of: $0, isMerged: false, words: &words) }
            fact?.isMerged = new.mergedInto != nil
            changes.replace(oldFacts[new.id], by: fact)
        }
        try moveCrossPosts(&changes)
        try connection.write(changes, at: now)
    }

    /// Members of the clusters that did not arrive in this batch but are merged into another item now, or into none.
    private func moveCrossPosts(_ changes: inout TableChanges) throws {
        guard !clusters.before.isEmpty else { return }
        var moved: [StoredMember] = []
        for cluster in clusters.all {
            for member in cluster.members {
                let slot = ids.place(of: member.id).map { slots[$0] }
                guard slot?.arrival == nil, slot?.before == slot?.item, var known = clusters.before[member.id],
                    case let now = cluster.canonical(for: member), now != known.mergedInto
                else { continue }
                changes.merge(member.id, into: now)
                guard (now == nil) != (known.mergedInto == nil) else { continue }
                known.mergedInto = now
                moved.append(known)
            }
        }
        let facts = try connection.facts(of: moved)
        for member in moved {
            guard let fact = facts[member.id] else { continue }
            var new = fact
            new.isMerged = member.mergedInto != nil
            changes.replace(fact, by: new)
        }
    }

    private func news(in pull: Pull, _ isFresh: [Bool]) -> [FeedbackNews] {
        var isTold = [Bool](repeating: false, count: slots.count)
        var news: [FeedbackNews] = []
        news.reserveCapacity(pull.records.count)
        for (index, one) in pull.records.enumerated() where isFresh[index] && !one.isReprocessed {
            guard case .item(let arrival) = one.content, case let place = pull.places[index], !isTold[place],
                let item = slots[place].item, item != slots[place].before
            else { continue }
            isTold[place] = true
            if let arrival = slots[place].arrival {
                news.append(FeedbackNews(workspace: arrival.workspace, id: item.id, document: arrival.document))
            } else if slots[place].before?.state == .live {
                news.append(FeedbackNews(workspace: arrival.workspace, id: item.id, document: nil))
            }
        }
        return news
    }
}

extension StoredItem {
    /// What stays of it where it is kept out: what tells an old copy.
    fileprivate func keptOut(raw: Feedback.RawReference) -> StoredItem {
        StoredItem(
            id: id, workspace: workspace, timestamp: 0, revision: revision, state: .filtered, mergeKey: nil,
            mergedInto: nil, raw: raw)
    }
}
