public import Common

/// An invented product's customers over eighteen months, the same from the same seed, with what is true of them.
///
/// *Lanternfish* is a notebook app. Its story: a season of more feedback each December, a price change that causes a
/// spike, release 4.2.0 that breaks syncing and 4.2.1 that mends it. Among some 20,000 items there are edits,
/// deletions, cross-posts, spam, things that are not feedback, and items that cannot be read.
public struct World: Sendable {
    /// Everything that is said, in the order of time.
    public let items: [WorldItem]

    public static let start = Timestamp("2024-07-01")!
    public static let end = Timestamp("2026-01-01")!
    public static let priceChange = Timestamp("2025-03-11")!
    public static let brokenRelease = Timestamp("2025-09-15")!
    public static let mendingRelease = Timestamp("2025-10-06")!
    /// What the workspace's filter rule looks for.
    public static let spamMark = "lantern-deals.example"

    /// Makes the world.
    public static func generate(seed: UInt64 = 2026, items count: Int = 20_000) -> World {
        var builder = WorldBuilder(seed: seed)
        return World(items: builder.build(count: count))
    }
}

/// Says what is said, day by day.
private struct WorldBuilder {
    private var random: SeededGenerator
    private var items: [WorldItem] = []
    private var authors: [WorldItem.Channel: [WorldAuthor]] = [:]
    /// Texts in lower case: none is said twice by accident.
    private var said: Set<String> = []
    private var nextID: [WorldItem.Channel: Int] = [
        .forum: 5001, .repository: 900_001, .store: 11_000_001, .form: 1, .survey: 1,
    ]
    private var openThreads: [WorldItem.Channel: [(thread: Int, count: Int, title: String)]] = [:]
    private var nextThread: [WorldItem.Channel: Int] = [.forum: 301, .repository: 1]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func build(count: Int) -> [WorldItem] {
        let day: Int64 = 86_400_000
        let days = Int((World.end.milliseconds - World.start.milliseconds) / day)
        let weights = (0..<days).map {
            Self.weight(of: Timestamp(milliseconds: World.start.milliseconds + Int64($0) * day))
        }
        let total = weights.reduce(0, +)
        var owed = 0.0
        for number in 0..<days {
            owed += Double(count) * weights[number] / total
            let start = World.start.milliseconds + Int64(number) * day
            let today = Int(owed)
            owed -= Double(today)
            let times = (0..<today).map { _ in start + Int64(random.unit() * 86_399_000) / 1000 * 1000 }.sorted()
            for time in times { say(at: Timestamp(milliseconds: time)) }
        }
        planEdits()
        return items
    }

    /// How much is said on a day, relative to an ordinary one.
    private static func weight(of day: Timestamp) -> Double {
        let date = CivilDate(daysSinceEpoch: Int(day.milliseconds / 86_400_000))
        var weight = date.weekday == 0 || date.weekday == 6 ? 0.7 : 1.1
        if date.month == 12 { weight *= 1.6 }
        let sincePrice = Double(day.milliseconds - World.priceChange.milliseconds) / 86_400_000
        if sincePrice >= 0 { weight *= 1 + 6 * max(0, 1 - sincePrice / 5) }
        if day >= World.brokenRelease, day < World.mendingRelease { weight *= 1.7 }
        return weight
    }

    private mutating func topic(at time: Timestamp) -> WorldTopic {
        var weights: [(WorldTopic, Double)] = [
            (.sync, 6), (.crash, 9), (.pricing, 7), (.login, 7), (.performance, 10), (.design, 9), (.request, 17),
            (.praise, 22), (.question, 13),
        ]
        let sincePrice = Double(time.milliseconds - World.priceChange.milliseconds) / 86_400_000
        if sincePrice >= 0, sincePrice < 5 { weights.append((.pricing, 150 * (1 - sincePrice / 5))) }
        if time >= World.brokenRelease, time < World.mendingRelease { weights += [(.sync, 70), (.crash, 15)] }
        return random.weighted(weights)
    }

    private static func version(at time: Timestamp) -> String {
        let releases: [(String, String)] = [
            ("2025-10-06", "4.2.1"), ("2025-09-15", "4.2.0"), ("2025-06-02", "4.1.0"), ("2025-02-03", "4.0.0"),
            ("2024-11-04", "3.9.0"),
        ]
        return releases.first { time >= Timestamp($0.0)! }?.1 ?? "3.8.0"
    }

    private mutating func say(at time: Timestamp) {
        let channel = random.weighted([
            (WorldItem.Channel.forum, 0.30), (.repository, 0.14), (.store, 0.34), (.form, 0.14), (.survey, 0.08),
        ])
        let topic = topic(at: time)
        let language = channel == .repository || channel == .forum ? "en" : random.weighted(Phrases.languages)
        let version = Self.version(at: time)
        let (sentiment, text) = speech(topic, language, version: version)
        var item = WorldItem(
            index: items.count, channel: channel, externalID: 0, thread: 0, position: 1, author: author(in: channel),
            time: time, language: language, topic: topic, sentiment: sentiment, title: title(of: text), text: text,
            rating: rating(sentiment, channel), version: version, fate: .ordinary, edit: nil, isDeleted: false,
            isLate: false)
        let dice = random.unit()
        if dice < 0.012 {
            item.fate = .spam
            item.text =
                "Cheap licence keys number \(items.count) at https://\(World.spamMark)/\(items.count) for everybody who is here"
        } else if dice < 0.018, channel == .store || channel == .survey || channel == .form {
            item.fate = .malformed(channel == .store && random.chance(0.5) ? .brokenRow : .missingPart)
        } else if dice < 0.024, channel == .repository {
            item.fate = .notFeedback
        }
        place(&item)
        if item.fate == .notFeedback { item.position = max(2, item.position) }  // a comment on a pull request
        items.append(item)
        if item.fate == .ordinary, item.text.utf8.count >= 120, channel == .store || channel == .form,
            random.chance(0.03)
        {
            crossPost(item)
        }
    }

    /// The same words on the forum, within two days.
    private mutating func crossPost(_ first: WorldItem) {
        var item = first
        item.index = items.count
        item.channel = .forum
        item.author = author(in: .forum)
        item.rating = nil
        item.time = Timestamp(
            milliseconds: min(
                first.time.milliseconds + 600_000 + Int64(random.unit() * 172_000) * 1000, World.end.milliseconds - 1000
            ))
        item.fate = .crossPost(of: first.index)
        place(&item)
        items.append(item)
    }

    private mutating func place(_ item: inout WorldItem) {
        item.externalID = nextID[item.channel, default: 1]
        nextID[item.channel] = item.externalID + 1 + (item.channel == .forum ? Int(random.next() % 3) : 0)
        guard item.channel == .forum || item.channel == .repository else { return }
        var open = openThreads[item.channel, default: []]
        if !open.isEmpty, random.chance(item.channel == .forum ? 0.85 : 0.4) {
            let at = Int(random.next() % UInt64(open.count))
            open[at].count += 1
            item.thread = open[at].thread
            item.position = open[at].count
            item.title = open[at].title
            if open[at].count > (item.channel == .forum ? 60 : 12) { open.remove(at: at) }
        } else {
            item.thread = nextThread[item.channel, default: 1]
            nextThread[item.channel] = item.thread + 1
            item.title = title(of: item.text)
            open.append((item.thread, 1, item.title))
            if open.count > 25 { open.removeFirst() }
        }
        openThreads[item.channel] = open
    }

    private mutating func speech(_ topic: WorldTopic, _ language: String, version: String) -> (Sentiment, String) {
        let phrases = Phrases.all[language] ?? Phrases.english
        while true {
            let (sentiment, core) = random.pick(phrases.sayings[topic] ?? Phrases.english.sayings[.praise]!)
            var parts: [String] = []
            if random.chance(0.4) { parts.append(random.pick(phrases.openers)) }
            parts.append(core)
            if random.chance(0.85) { parts.append(random.pick(phrases.details)) }
            if random.chance(0.35) { parts.append(random.pick(phrases.closers)) }
            let text = parts.map { fill($0, version: version) }.joined(separator: " ")
            if said.insert(text.lowercased()).inserted { return (sentiment, text) }
            let longer = text + " " + fill(random.pick(phrases.details), version: version)
            if said.insert(longer.lowercased()).inserted { return (sentiment, longer) }
        }
    }

    private mutating func fill(_ phrase: String, version: String) -> String {
        var text = phrase
        while let hole = text.range(of: "{n}") { text.replaceSubrange(hole, with: String(2 + random.next() % 4000)) }
        while let hole = text.range(of: "{device}") { text.replaceSubrange(hole, with: random.pick(Phrases.devices)) }
        while let hole = text.range(of: "{version}") { text.replaceSubrange(hole, with: version) }
        return text
    }

    private func title(of text: String) -> String {
        text.split(separator: " ").prefix(7).joined(separator: " ").trimmingSuffix(".,:;?!")
    }

    private mutating func rating(_ sentiment: Sentiment, _ channel: WorldItem.Channel) -> Int? {
        switch (channel, sentiment) {
        case (.store, .negative): random.weighted([(1, 6.0), (2, 4)])
        case (.store, .neutral): random.weighted([(3, 7.0), (4, 3)])
        case (.store, .positive): random.weighted([(5, 8.0), (4, 2)])
        case (.survey, .negative): Int(random.next() % 5)
        case (.survey, .neutral): 6 + Int(random.next() % 2)
        case (.survey, .positive): 9 + Int(random.next() % 2)
        default: nil
        }
    }

    private mutating func author(in channel: WorldItem.Channel) -> WorldAuthor {
        var known = authors[channel, default: []]
        if known.count > 20, random.chance(0.55) { return random.pick(known) }
        let base: [WorldItem.Channel: Int] = [
            .forum: 1000, .repository: 200_000, .store: 5_000_000, .form: 70_000, .survey: 40_000,
        ]
        let id = base[channel, default: 0] + known.count
        let first = random.pick(Self.firstNames)
        let author = WorldAuthor(
            id: id, name: "\(first) \(random.pick(Self.lastNames))", handle: "\(first.lowercased())\(id)",
            email: "\(first.lowercased()).\(id)@mail.example")
        known.append(author)
        authors[channel] = known
        return author
    }

    /// Some forum posts and comments change or go, and the last forum posts come late, by webhook.
    private mutating func planEdits() {
        let late = Set(items.indices.filter { items[$0].channel == .forum && items[$0].fate == .ordinary }.suffix(40))
        for i in items.indices {
            guard items[i].channel == .forum || items[i].channel == .repository, items[i].fate == .ordinary else {
                continue
            }
            items[i].isLate = late.contains(i)
            if random.chance(0.02) {
                items[i].edit = .init(
                    time: items[i].time.advanced(bySeconds: 3600),
                    text: items[i].text + " Edit: it was on build \(10_000 + i).")
            } else if random.chance(0.008), !items[i].isLate {
                items[i].isDeleted = true
            }
        }
    }

    private static let firstNames = [
        "Ada", "Ben", "Chloe", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Keiko", "Lars", "Mina",
        "Noor", "Olga", "Pedro", "Quinn", "Rosa", "Sami", "Tara", "Uma", "Viktor", "Wanda", "Yusuf", "Zoe",
    ]
    private static let lastNames = [
        "Adler", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanov", "Jansen", "Kaya",
        "Lopez", "Moreau", "Novak", "Okafor", "Peters", "Rossi", "Silva", "Tanaka", "Weber",
    ]
}

extension StringProtocol {
    fileprivate func trimmingSuffix(_ characters: String) -> String {
        var text = String(self)
        while let last = text.last, characters.contains(last) { text.removeLast() }
        return text
    }

    /// The first place of a text, without Foundation.
    fileprivate func range(of other: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(other) { return at..<index(at, offsetBy: other.count) }
            at = index(after: at)
        }
        return nil
    }
}
