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
