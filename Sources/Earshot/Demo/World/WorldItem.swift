public import Common

/// One thing that a customer of the invented product said, with what is true of it.
public struct WorldItem: Sendable {
    /// Where it is said.
    public enum Channel: String, Sendable, CaseIterable {
        case forum, repository, store, form, survey
    }

    /// What happens to it besides being said.
    public enum Fate: Sendable, Hashable {
        case ordinary
        /// Said a second time elsewhere, in the same words: the index of the first.
        case crossPost(of: Int)
        /// Advertising that the workspace's rule keeps out.
        case spam
        /// Cannot be read: the reason why.
        case malformed(Defect)
        /// Not feedback: a comment on a pull request, a private message.
        case notFeedback
    }

    public enum Defect: Sendable, Hashable { case missingPart, brokenRow }

    public var index: Int
    public var channel: Channel
    /// The id at the provider.
    public var externalID: Int
    /// The conversation it belongs to: a forum topic, an issue; its position there from 1.
    public var thread: Int
    public var position: Int
    public var author: WorldAuthor
    public var time: Timestamp
    public var language: String
    public var topic: WorldTopic
    public var sentiment: Sentiment
    public var title: String
    public var text: String
    /// 1 to 5, or 0 to 10 in the survey.
    public var rating: Int?
    public var version: String
    public var fate: Fate
    /// What it says after the customer changed it.
    public var edit: Edit?
    /// Taken back in the end.
    public var isDeleted: Bool
    /// Said after the first reading: it arrives by webhook.
    public var isLate: Bool

    public struct Edit: Sendable {
        public var time: Timestamp
        public var text: String
    }
}

/// A customer of the invented product.
public struct WorldAuthor: Sendable, Hashable {
    public var id: Int
    public var name: String
    public var handle: String
    public var email: String
}

/// What it is about.
public enum WorldTopic: String, Sendable, CaseIterable {
    case sync, crash, pricing, login, performance, design, request, praise, question
}
