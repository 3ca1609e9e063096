import ByteJSON

/// Reads nodes and collects what is wrong with them, so that one run tells all.
struct NodeReader {
    private(set) var problems: [NodeProblem] = []
    /// The settings that templates and mappings name, with their places.
    private(set) var settings: [(path: Path, line: Int, column: Int)] = []

    /// Notes the settings among these paths, so that they can be compared with the specification.
    mutating func noteHoles(_ paths: [Path], at node: SourceNode) {
        for path in paths where path.origin == .config || path.origin == .entity {
            settings.append((path, node.line, node.column))
        }
    }

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
