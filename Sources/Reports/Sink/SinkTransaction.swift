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
    /// What the other members of the clusters are merged into in the tables.
    private var mergedBefore: [Digest128: Digest128?] = [:]
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
                let outcome = try take(arrival, again: one.isReprocessed)
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
        try connection.forEachChunk(of: keys.sorted()) { chunk in
            try connection.forEach(
                "SELECT merge_key, timestamp, id, merged_into FROM feedback WHERE merge_key IN \(list: chunk)"
            ) { row in
                let id = row.digest(2)
                members[row.digest(0), default: []].append(Cluster.Member(timestamp: row.integer(1), id: id))
                mergedBefore.updateValue(row.optionalDigest(3), forKey: id)
            }
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

    /// A rule that kept it out may be gone by now.
    private func isReadmitted(_ old: StoredItem, _ revision: Revision) -> Bool {
        old.state == .filtered && old.revision == revision
    }

    /// Writes items and facts, and what that changes in the rollups.
    private mutating func save() throws {
        var changes = RollupChanges()
        var rows: [(item: StoredItem, document: [UInt8])] = []
        var facts: [Fact] = []
        rows.reserveCapacity(items.count)
        facts.reserveCapacity(items.count)
        for (id, item) in items {
            let old = before[id]
            guard old != item || arrivals[id] != nil else { continue }
            var new = item
            new.mergedInto = item.mergeKey.flatMap { clusters[$0]?.canonical(for: item.member) }
            let arrival = arrivals[id]
            let oldFact = try old.flatMap { try fact(of: $0) }
            if let oldFact { changes.subtract(oldFact) }
            if let arrival {
                let fact = try fact(of: arrival, new)
                changes.add(fact)
                facts.append(fact)
            }
            if let oldFact, arrival == nil || oldFact.timestamp != new.timestamp {
                try connection.deleteFact(
                    workspace: oldFact.workspace, timestamp: oldFact.timestamp, feedback: oldFact.feedback)
            }
            rows.append((new, arrival?.document ?? []))
        }
        rows.sort { $0.item.id < $1.item.id }
        try connection.write(rows, storedAt: now)
        facts += try moveCrossPosts(&changes)
        facts.sort { ($0.workspace, $0.timestamp, $0.feedback) < ($1.workspace, $1.timestamp, $1.feedback) }
        try connection.write(facts)
        try connection.apply(changes)
        try connection.markChanged(changes.days, at: now)
    }

    /// Members of the clusters that did not arrive in this batch but are merged into another item now, or into none.
    private func moveCrossPosts(_ changes: inout RollupChanges) throws -> [Fact] {
        guard !mergedBefore.isEmpty else { return [] }
        var facts: [Fact] = []
        for cluster in clusters.values {
            for member in cluster.members where before[member.id] == items[member.id] {
                guard arrivals[member.id] == nil, let known = mergedBefore[member.id],
                    case let now = cluster.canonical(for: member), now != known
                else { continue }
                try connection.execute("UPDATE feedback SET merged_into = \(now) WHERE id = \(member.id)")
                guard (now == nil) != (known == nil) else { continue }
                guard let workspace = try items[member.id]?.workspace ?? workspace(of: member.id),
                    var fact = try connection.fact(
                        workspace: workspace, timestamp: member.timestamp, feedback: member.id)
                else { continue }
                changes.subtract(fact)
                fact.isMerged = now != nil
                changes.add(fact)
                facts.append(fact)
            }
        }
        return facts
    }

    private func workspace(of id: Digest128) throws -> Int64? {
        try connection.first("SELECT workspace FROM feedback WHERE id = \(id)") { $0.integer(0) }
    }

    private func fact(of item: StoredItem) throws -> Fact? {
        guard item.state == .live else { return nil }
        return try connection.fact(workspace: item.workspace, timestamp: item.timestamp, feedback: item.id)
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
