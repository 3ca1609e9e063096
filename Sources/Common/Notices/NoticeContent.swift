public import ByteJSON
import Common

/// What a notice says, to people and to programs.
public struct NoticeContent: Sendable, Hashable {
    /// A word for programs: `report.completed`.
    public var event: String
    /// What it is about: an id. There is one notice of an event, a subject and a recipient.
    public var subject: String
    /// One line.
    public var title: String
    /// A sentence or two.
    public var text: String
    public var facts: [Fact]
    /// Texts of customers, as they are.
    public var quotes: [String]
    /// Where there is more: an address, and what it opens.
    public var link: Link?
    /// What programs are told, besides event and time.
    public var data: JSON

    public struct Fact: Sendable, Hashable {
        public var name: String
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public struct Link: Sendable, Hashable {
        public var title: String
        public var url: String
        public init(_ title: String, _ url: String) {
            self.title = title
            self.url = url
        }
    }

    public init(
        event: String, subject: String, title: String, text: String, facts: [Fact] = [], quotes: [String] = [],
        link: Link? = nil, data: JSON = [:]
    ) {
        self.event = event
        self.subject = subject
        self.title = title
        self.text = text
        self.facts = facts
        self.quotes = quotes
        self.link = link
        self.data = data
    }
}

extension NoticeContent {
    /// As it is kept.
    var json: JSON {
        var members: [String: JSON] = [
            "event": .string(event), "subject": .string(subject), "title": .string(title), "text": .string(text),
            "facts": .array(facts.map { .array([.string($0.name), .string($0.value)]) }),
            "quotes": .array(quotes.map { .string($0) }), "data": data,
        ]
        members["link"] = link.map { .array([.string($0.title), .string($0.url)]) }
        return .object(members)
    }

    init(_ json: JSON) {
        func pair(_ value: JSON) -> (String, String) {
            (value.array?.first?.string ?? "", value.array?.last?.string ?? "")
        }
        self.init(
            event: json["event"]?.string ?? "", subject: json["subject"]?.string ?? "",
            title: json["title"]?.string ?? "", text: json["text"]?.string ?? "",
            facts: (json["facts"]?.array ?? []).map(pair).map { Fact($0.0, $0.1) },
            quotes: (json["quotes"]?.array ?? []).compactMap(\.string),
            link: json["link"].map(pair).map { Link($0.0, $0.1) }, data: json["data"] ?? [:])
    }
}
