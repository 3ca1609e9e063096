import Common

/// The clusters that a transaction changes: by merge key, where more than one item says the same.
struct Clusters {
    private var clusters: [Digest128: Cluster] = [:]
    /// The members that are in the tables, as they are there.
    private(set) var before: [Digest128: StoredMember] = [:]

    init() {}

    /// Reads who says the same as the items.
    ///
    /// - Parameters:
    ///   - arriving: The keys of items that arrive, in order, each once.
    ///   - others: Keys that items had before, in any order.
    init(_ connection: any DatabaseConnection, arriving: [Pull.Key], others: [Digest128]) throws {
        let known = arriving.map(\.key)
        var last = 0
        let more = others.filter { key in
            guard let place = known.place(of: key, guess: last) else { return true }
            last = place + 1
            return false
        }
        let keys = more.isEmpty ? known : (known + Set(more)).sorted()
        var members: [(key: Digest128, member: StoredMember)] = []
        try connection.forEachMember(of: keys) { members.append(($0, $1)) }
        for key in arriving where key.owner == nil { clusters[key.key] = Cluster() }
        guard !members.isEmpty else { return }

        members.sort { ($0.key, $0.member.id) < ($1.key, $1.member.id) }
        var start = 0
        while start < members.count {
            let key = members[start].key
            let end = members[start...].firstIndex { $0.key != key } ?? members.count
            defer { start = end }
            let isAlone =
                end == start + 1 && clusters[key] == nil
                && (known.place(of: key).map { arriving[$0].owner == members[start].member.id } ?? true)
            guard !isAlone else { continue }
            clusters[key] = Cluster(members[start..<end].map { Cluster.Member($0.member) })
            for (_, member) in members[start..<end] { before[member.id] = member }
        }
    }

    var all: some Sequence<Cluster> { clusters.values }

    /// Adds an item; returns whether it is counted by itself.
    mutating func insert(_ item: StoredItem) -> Bool {
        guard let key = item.mergeKey else { return true }
        return clusters[key]?.insert(item.member) ?? true
    }

    mutating func remove(_ item: StoredItem) {
        guard let key = item.mergeKey else { return }
        clusters[key]?.remove(item.member)
    }

    /// The item that one is merged into; nil if it is counted by itself.
    func canonical(for item: StoredItem) -> Digest128? {
        item.mergeKey.flatMap { clusters[$0]?.canonical(for: item.member) }
    }
}

extension Cluster.Member {
    fileprivate init(_ stored: StoredMember) { self.init(timestamp: stored.timestamp, id: stored.id) }
}

extension StoredItem {
    fileprivate var member: Cluster.Member { Cluster.Member(timestamp: timestamp, id: id) }
}
