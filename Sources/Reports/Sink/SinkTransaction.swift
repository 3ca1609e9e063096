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

    private let connection: any DatabaseConnection
    private let workspaces: [WorkspaceID: WorkspaceRecord]
    /// What is older is not kept; in milliseconds.
    private let oldest: Int64
    private let now: Timestamp
    private var words: WordNumbers
    /// The items of the batch as they were, and as they are by now.
    private var before: [Digest128: StoredItem] = [:]
    private var items: [Digest128: StoredItem] = [:]
    private var arrivals: [Digest128: Arrival] = [:]
    /// By merge key, where there is more than one item that says the same.
    private var clusters: [Digest128: Cluster] = [:]
    /// The members of the clusters that are in the tables, as they are there.
    private var membersBefore: [Digest128: StoredMember] = [:]
    private var ledgers: [String: ReportsLedger] = [:]
    private var redelivered = 0
    private var reprocessed = 0

    init(
        _ connection: any DatabaseConnection, workspaces: [WorkspaceID: WorkspaceRecord], known: [Word: Int64],
        oldest: Int64 = .min, now: Timestamp
    ) {
        self.connection = connection
        self.workspaces = workspaces
        self.oldest = oldest
        self.now = now
        words = WordNumbers(connection, known: known)
    }

    /// Does all of it.
    ///
    /// - Throws: ``EventLogError/fenced(topic:partition:)`` if a partition was handled by somebody else.
    mutating func run(_ batches: [PartitionBatch], _ incoming: [Incoming]) throws -> Outcome {
        for batch in batches { try connection.advance(batch) }
        let fresh = try dropRedelivered(incoming, partitions: batches.map(\.partition))
        try load(fresh)
        for one in fresh {
            switch one.content {
            case .dead where one.isReprocessed: reprocessed += 1
            case .dead(let letter): ledgers[letter.workspace?.rawValue ?? "", default: ReportsLedger()].dead += 1
            case .item(let arrival):
                let outcome =
                    try one.withdraws.map { withdraw(arrival, $0) } ?? take(arrival, again: one.isReprocessed)
                if one.isReprocessed {
                    reprocessed += 1
                    continue
                }
                ledgers[arrival.workspace.rawValue, default: ReportsLedger()][outcome] += 1
            }
        }
        try save()
        try connection.add(ledgers)
        return Outcome(
            words: words.fresh, ledgers: ledgers, redelivered: redelivered, reprocessed: reprocessed,
            news: news(in: fresh))
    }

    /// Keeps nothing of these items but what tells an old copy of them, as if a rule had kept them out.
    mutating func forget(_ ids: [Digest128]) throws {
        before = try connection.items(ids.sorted())
        items = before
        try loadClusters([])
        for (id, old) in before where old.state == .live {
            items[id] = StoredItem(
                id: id, workspace: old.workspace, timestamp: 0, revision: old.revision, state: .filtered, mergeKey: nil,
                mergedInto: nil, raw: old.raw)
            if let key = old.mergeKey { clusters[key]?.remove(old.member) }
        }
        try save()
    }

    private mutating func dropRedelivered(_ incoming: [Incoming], partitions: [Int]) throws -> [Incoming] {
        var marks = try Watermarks(connection, partitions: partitions)
        let fresh = incoming.filter { one in
            one.isReprocessed || one.raw.map { marks.pass($0, in: one.partition) } ?? true
        }
        redelivered = incoming.count - fresh.count
        try marks.save(connection)
        return fresh
    }

    /// Reads what the tables know of the items and of those that say the same.
    private mutating func load(_ incoming: [Incoming]) throws {
        var ids: Set<Digest128> = []
        var keys: Set<Digest128> = []
        ids.reserveCapacity(incoming.count)
        keys.reserveCapacity(incoming.count)
        for one in incoming {
            guard case .item(let arrival) = one.content else { continue }
            ids.insert(arrival.id)
            guard let key = arrival.mergeKey, !keys.insert(key).inserted else { continue }
            clusters[key] = Cluster()
        }
        before = try connection.items(ids.sorted())
        items = before
        items.reserveCapacity(ids.count)
        arrivals.reserveCapacity(ids.count)
        try loadClusters(keys)
    }

    /// Reads who says the same as the items, or has one of these keys.
    private mutating func loadClusters(_ keys: Set<Digest128>) throws {
        let keys = keys.union(before.values.compactMap(\.mergeKey))
        var members: [Digest128: [Cluster.Member]] = [:]
        try connection.forEachMember(of: keys.sorted()) { key, member in
            members[key, default: []].append(Cluster.Member(timestamp: member.timestamp, id: member.id))
            membersBefore[member.id] = member
        }
        clusters.merge(members.mapValues { Cluster($0) }) { $1 }
    }

    /// Decides what becomes of one item.
    ///
    /// - Parameter again: Whether its raw event was read before. What is read now takes the place of what was read
    ///   there then, though the provider's revision be the same, or an earlier one by another mapping.
    private mutating func take(_ arrival: Arrival, again: Bool) throws -> ItemOutcome {
        let id = arrival.id
        let old = items[id]
        let state: StoredItem.State =
            arrival.revision.isDeletion
            ? .deleted
            : arrival.saysNothing || arrival.timestamp < oldest
                || workspaces[arrival.workspace]?.keepsOut(arrival) == true
                ? .filtered : .live
        let isLater =
            old.map { old in
                old.revision < arrival.revision || isReadmitted(old, arrival.revision)
                    || again && old.raw == arrival.raw
            } ?? true
        guard isLater else { return state == .filtered ? .filtered : .duplicate }

        let isLive = state == .live
        let new = StoredItem(
            id: id, workspace: try words.number(.workspace, arrival.workspace.rawValue),
            timestamp: isLive ? arrival.timestamp : 0, revision: arrival.revision, state: state,
            mergeKey: isLive ? arrival.mergeKey : nil, mergedInto: nil, raw: arrival.raw)
        items[id] = new
        arrivals[id] = isLive ? arrival : nil
        if let old, let key = old.mergeKey { clusters[key]?.remove(old.member) }
        let isNewCanonical = new.mergeKey.flatMap { clusters[$0]?.insert(new.member) } ?? true
        return switch state {
        case .filtered: .filtered
        case .deleted: .stored
        case .live: old == nil && !isNewCanonical ? .merged : .stored
        }
    }

    /// Takes an item back, if it is still what a raw event said: what is newer, or came from elsewhere, stays.
    ///
    /// It is kept out as by a rule, so that it comes back when it is sent again.
    private mutating func withdraw(_ arrival: Arrival, _ place: (partition: Int, offset: Int64)) -> ItemOutcome {
        guard let old = items[arrival.id], old.state == .live, old.raw.partition == place.partition,
            old.raw.offset == place.offset
        else { return .duplicate }
        items[old.id] = StoredItem(
            id: old.id, workspace: old.workspace, timestamp: 0, revision: old.revision, state: .filtered, mergeKey: nil,
            mergedInto: nil, raw: arrival.raw)
        arrivals[old.id] = nil
        if let key = old.mergeKey { clusters[key]?.remove(old.member) }
        return .filtered
    }

    /// A rule that kept it out may be gone by now.
    private func isReadmitted(_ old: StoredItem, _ revision: Revision) -> Bool {
        old.state == .filtered && old.revision == revision
    }

    /// Writes items and facts, and what that changes in the rollups.
    private mutating func save() throws {
        let changed = items.filter { id, item in before[id] != item || arrivals[id] != nil }
        let oldFacts = try connection.facts(of: changed.keys.compactMap { before[$0] }.filter { $0.state == .live })
        var changes = TableChanges(capacity: changed.count)
        for (id, item) in changed {
            var new = item
            new.mergedInto = item.mergeKey.flatMap { clusters[$0]?.canonical(for: item.member) }
            let arrival = arrivals[id]
            changes.put(new, arrival?.document ?? [], isNew: before[id] == nil)
            changes.replace(oldFacts[id], by: try arrival.map { try fact(of: $0, new) })
        }
        try moveCrossPosts(&changes)
        try connection.write(changes, at: now)
    }

    /// Members of the clusters that did not arrive in this batch but are merged into another item now, or into none.
    private func moveCrossPosts(_ changes: inout TableChanges) throws {
        guard !membersBefore.isEmpty else { return }
        var moved: [StoredMember] = []
        for cluster in clusters.values {
            for member in cluster.members where before[member.id] == items[member.id] {
                guard arrivals[member.id] == nil, var known = membersBefore[member.id],
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

    private mutating func fact(of arrival: Arrival, _ item: StoredItem) throws -> Fact {
        var topics: [Int64] = []
        for topic in arrival.topics {
            let number = try words.number(.topic, topic)
            if number != 0, !topics.contains(number) { topics.append(number) }
        }
        return Fact(
            workspace: item.workspace, timestamp: item.timestamp, feedback: item.id,
            origin: try words.number(of: arrival.origin.word), language: try words.number(.language, arrival.language),
            sentiment: arrival.sentiment, intent: try words.number(.intent, arrival.intent.rawValue), topics: topics,
            score: arrival.score, rating: arrival.rating, version: try words.number(.version, arrival.version),
            platform: try words.number(.platform, arrival.platform),
            country: try words.number(.country, arrival.country), author: arrival.author,
            isMerged: item.mergedInto != nil)
    }

    private func news(in incoming: [Incoming]) -> [FeedbackNews] {
        var told: Set<Digest128> = []
        told.reserveCapacity(incoming.count)
        return incoming.compactMap { one in
            guard case .item(let arrival) = one.content, !one.isReprocessed, case let id = arrival.id,
                let item = items[id], item != before[id], told.insert(id).inserted
            else { return nil }
            if let arrival = arrivals[id] {
                return FeedbackNews(workspace: arrival.workspace, id: id, document: arrival.document)
            }
            guard before[id]?.state == .live else { return nil }
            return FeedbackNews(workspace: arrival.workspace, id: id, document: nil)
        }
    }
}

extension StoredItem {
    var member: Cluster.Member { Cluster.Member(timestamp: timestamp, id: id) }
}
