public import Common

/// What must come out of a ``World``, worked out from the world alone.
public struct Truth: Sendable, Codable, Hashable {
    /// Feedback that remains: neither spam, nor unreadable, nor deleted, nor a cross-post.
    public var feedback: Int
    public var merged: Int
    public var filtered: Int
    public var dead: Int
    /// Different people behind what remains.
    public var authors: Int
    public var bySource: [String: Int]
    /// Feedback of each UTC day that has any: `2025-03-11`.
    public var byDay: [String: Int]
    /// Mean of the ratings on a scale from 1 to 5.
    public var averageRating: Double
    /// What the customers meant, by their own word.
    public var sentiment: [String: Int]
    public var byLanguage: [String: Int]

    /// - Parameter connector: The connector's name behind each channel.
    public init(of world: World, connector: (WorldItem.Channel) -> String) {
        feedback = 0
        merged = 0
        filtered = 0
        dead = 0
        bySource = [:]
        byDay = [:]
        sentiment = [:]
        byLanguage = [:]
        var people: Set<String> = []
        var ratings = 0.0
        var rated = 0
        for item in world.items {
            switch item.fate {
            case .spam, .notFeedback:
                filtered += 1
                continue
            case .malformed:
                dead += 1
                continue
            case .ordinary, .crossPost:
                if item.isDeleted { continue }
                if case .crossPost = item.fate {
                    merged += 1
                    continue
                }
            }
            feedback += 1
            bySource[connector(item.channel), default: 0] += 1
            byDay[String(item.time.description.prefix(10)), default: 0] += 1
            sentiment[item.sentiment.rawValue, default: 0] += 1
            byLanguage[item.language, default: 0] += 1
            people.insert("\(item.channel.rawValue)/\(item.author.id)")
            if let rating = item.rating {
                rated += 1
                ratings += item.channel == .survey ? 1 + Double(rating) / 10 * 4 : Double(rating)
            }
        }
        authors = people.count
        averageRating = rated == 0 ? 0 : ratings / Double(rated)
    }
}
