/// Where a value lies: member names and array positions, compiled once.
///
/// The first of several names may choose what the rest is looked up in (``Origin``); `item.` chooses the item itself,
/// for an item that has such a member of its own.
public struct Path: Sendable, Hashable, CustomStringConvertible {
    public enum Step: Sendable, Hashable {
        case member(String)
        case element(Int)
    }

    /// What a path is looked up in.
    public enum Origin: String, Sendable, Hashable, CaseIterable {
        /// The item: what no other name chooses.
        case item
        /// The whole payload, around the item.
        case root
        /// The record's headers: those of the sender that are kept, and the facts (`how`, `source`, `delivery`, …).
        case headers
        /// What the fetcher kept of the page around the item.
        case context
        /// The stream's settings.
        case entity
        /// The connection's settings, without secrets.
        case config
        /// The stream itself: `stream.id`, `stream.name`.
        case stream
        /// The whole payload, where a delivery is received; elsewhere a member of the item.
        case body
    }

    /// All names, the origin's included.
    public let steps: [Step]
    public let origin: Origin
    /// The names after the origin's.
    public let relative: [Step]
    /// The first name's slot in a mapping's table of members; nil where there is no table.
    var slot: Int?

    public init(steps: [Step]) {
        self.steps = steps
        if steps.count > 1, case .member(let name) = steps[0], let origin = Origin(rawValue: name) {
            self.origin = origin
            relative = Array(steps.dropFirst())
        } else {
            origin = .item
            relative = steps
        }
    }

    /// `a.b.0.c`; a dot inside a name is written `\.`. Empty is the value itself.
    public init(_ text: String) {
        var names: [String] = []
        var current = ""
        var escaped = false
        for character in text {
            if escaped {
                current.append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "." {
                names.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        if !text.isEmpty { names.append(current) }
        self.init(steps: names.map { name in Int(name).map(Step.element) ?? .member(name) })
    }

    public var description: String {
        steps.map { step in
            switch step {
            case .member(let name): name.replacing(".", with: "\\.")
            case .element(let position): String(position)
            }
        }.joined(separator: ".")
    }

    /// As it is looked up in an item: outside of `receive`, `body` is a name like any other.
    var inItem: Path {
        guard origin == .body else { return self }
        return Path(steps: [.member(Origin.item.rawValue)] + steps)
    }

    /// The names after the origin's as one: a header's name may hold a dot.
    var leaf: String {
        relative.map { step in
            switch step {
            case .member(let name): name
            case .element(let position): String(position)
            }
        }.joined(separator: ".")
    }
}
