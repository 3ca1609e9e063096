import ByteJSON

/// A value of a manifest with its place in the file.
struct SourceNode: Sendable {
    enum Value: Sendable {
        case scalar(JSON)
        case sequence([SourceNode])
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var line: Int
        var column: Int
        var node: SourceNode
    }

    var value: Value
    /// From 1; 0 where there is no file.
    var line: Int
    var column: Int
    /// A scalar's text as it was written.
    var text: String?

    /// A value without a file: a stream's own mapping.
    init(_ json: JSON) {
        line = 0
        column = 0
        switch json {
        case .array(let elements): value = .sequence(elements.map(SourceNode.init))
        case .object(let members):
            value = .mapping(
                members.sorted { $0.key < $1.key }
                    .map { Entry(key: $0.key, line: 0, column: 0, node: SourceNode($0.value)) })
        default:
            value = .scalar(json)
            text = json.string ?? json.text
        }
    }

    init(_ value: Value, text: String? = nil, line: Int, column: Int) {
        self.value = value
        self.text = text
        self.line = line
        self.column = column
    }

    /// The value as a tree.
    var json: JSON {
        switch value {
        case .scalar(let json): json
        case .sequence(let nodes): .array(nodes.map(\.json))
        case .mapping(let entries):
            .object(Dictionary(entries.map { ($0.key, $0.node.json) }, uniquingKeysWith: { $1 }))
        }
    }

    /// For people.
    var kind: String {
        switch value {
        case .scalar(.null): "nothing"
        case .scalar(.bool): "true or false"
        case .scalar(.integer), .scalar(.double): "a number"
        case .scalar: "a text"
        case .sequence: "a list"
        case .mapping: "a map"
        }
    }
}

/// What is wrong at a place of a file.
struct NodeProblem: Error, Sendable, Hashable {
    var line: Int
    var column: Int
    var reason: String
}

/// Reads nodes and collects what is wrong with them, so that one run tells all.
struct NodeReader {
    private(set) var problems: [NodeProblem] = []

    mutating func report(_ reason: String, at node: SourceNode) {
        problems.append(NodeProblem(line: node.line, column: node.column, reason: reason))
    }

    mutating func report(_ reason: String, at entry: SourceNode.Entry) {
        problems.append(NodeProblem(line: entry.line, column: entry.column, reason: reason))
    }

    /// A map's members; reports and answers nil for anything else.
    mutating func members(_ node: SourceNode, of what: String) -> Members? {
        guard case .mapping(let entries) = node.value else {
            report("\(what) must be a map, not \(node.kind)", at: node)
            return nil
        }
        return Members(node: node, what: what, entries: entries)
    }

    /// Reports every member that was not asked for.
    mutating func finish(_ members: Members) {
        for entry in members.entries where !members.known.contains(entry.key) {
            let near = Suggestion.nearest(to: entry.key, in: members.known.sorted())
            let hint =
                near.map { "did you mean `\($0)`?" } ?? "known are \(members.known.sorted().joined(separator: ", "))"
            report("unknown key `\(entry.key)` in \(members.what); \(hint)", at: entry)
        }
    }

    mutating func text(_ node: SourceNode, _ what: String) -> String? {
        guard case .scalar(let json) = node.value, json != .null, let text = node.text else {
            report("\(what) must be a text, not \(node.kind)", at: node)
            return nil
        }
        return text
    }

    mutating func integer(_ node: SourceNode, _ what: String) -> Int? {
        guard case .scalar(.integer(let value)) = node.value, let number = Int(exactly: value) else {
            report("\(what) must be a whole number, not \(node.kind)", at: node)
            return nil
        }
        return number
    }

    mutating func boolean(_ node: SourceNode, _ what: String) -> Bool? {
        guard case .scalar(.bool(let value)) = node.value else {
            report("\(what) must be true or false, not \(node.kind)", at: node)
            return nil
        }
        return value
    }

    /// The elements of a list; one value that is no list counts as a list of it.
    mutating func list(_ node: SourceNode) -> [SourceNode] {
        if case .sequence(let elements) = node.value { elements } else { [node] }
    }

    /// The word of a closed list.
    mutating func word<Word: RawRepresentable<String> & CaseIterable>(
        _ node: SourceNode, _ what: String, as type: Word.Type
    ) -> Word? {
        guard let text = text(node, what) else { return nil }
        if let word = Word(rawValue: text) { return word }
        let all = Word.allCases.map(\.rawValue)
        let hint = Suggestion.nearest(to: text, in: all).map { "did you mean `\($0)`?" }
        report("\(what) `\(text)` is unknown; \(hint ?? "known are \(all.joined(separator: ", "))")", at: node)
        return nil
    }
}

/// The members of a map; what is never asked for is unknown.
struct Members {
    let node: SourceNode
    let what: String
    let entries: [SourceNode.Entry]
    private(set) var known: Set<String> = []

    init(node: SourceNode, what: String, entries: [SourceNode.Entry]) {
        self.node = node
        self.what = what
        self.entries = entries
    }

    /// The member of this name, which is known from now on; null is as good as none.
    mutating func take(_ name: String) -> SourceNode? {
        known.insert(name)
        guard let node = entries.first(where: { $0.key == name })?.node else { return nil }
        if case .scalar(.null) = node.value { return nil }
        return node
    }

    func has(_ name: String) -> Bool { entries.contains { $0.key == name } }
}
