import ByteJSON

/// A stream's own mapping, laid over the shapes of its connector.
struct MappingOverride {
    private var fields: [(field: NormalisedField, value: Expression)] = []
    private var custom: [(name: String, value: Expression)] = []
    private var items: [Path.Step]?
    private var skip: Condition?

    /// Reads a mapping: fields by expressions, as `normalise` has them, and `items`, `skip`, `custom`.
    init(_ json: JSON) throws(MappingError) {
        var reader = NodeReader()
        guard var members = reader.members(SourceNode(json), of: "the mapping") else {
            throw MappingError(reason: "a mapping is an object of fields and paths")
        }
        items = members.take("items").flatMap { reader.text($0, "`items`") }.map { Path($0).steps }
        skip = members.take("skip").flatMap { reader.condition($0) }
        if let node = members.take("custom") { custom = reader.namedExpressions(node, of: "`custom`") }
        fields = reader.normalisedFields(&members)
        reader.finish(members)
        if let problem = reader.problems.first { throw MappingError(reason: problem.reason) }
    }

    /// The shape with this mapping's fields in place of its own.
    func applied(to shape: Normalisation.Shape) -> Normalisation.Shape {
        var shape = shape
        let replaced = Set(fields.map(\.field))
        shape.fields = shape.fields.filter { !replaced.contains($0.field) } + fields
        let names = Set(custom.map(\.name))
        shape.custom = shape.custom.filter { !names.contains($0.name) } + custom
        if let items { shape.items = Path(steps: items).description }
        if let skip { shape.skip = shape.skip.map { .any([$0, skip]) } ?? skip }
        return shape
    }
}

extension NodeReader {
    /// Names with expressions.
    mutating func namedExpressions(_ node: SourceNode, of what: String) -> [(name: String, value: Expression)] {
        guard let members = members(node, of: what) else { return [] }
        var result: [(name: String, value: Expression)] = []
        for entry in members.entries {
            if let value = expression(entry.node) { result.append((entry.key, value)) }
        }
        return result
    }

    /// The fields of the uniform schema among a map's members; the generic names (`id`, `author.name`, …) count too.
    mutating func normalisedFields(_ members: inout Members) -> [(field: NormalisedField, value: Expression)] {
        var result: [(field: NormalisedField, value: Expression)] = []
        for field in NormalisedField.allCases {
            for name in [field.rawValue] + field.aliases {
                guard let node = members.take(name), !result.contains(where: { $0.field == field }) else { continue }
                if let value = expression(node) { result.append((field, value)) }
            }
        }
        return result
    }
}

extension NormalisedField {
    /// The names that the generic shape has for it.
    var aliases: [String] {
        switch self {
        case .externalID: ["id"]
        case .authorID: ["author.id"]
        case .authorName: ["author.name", "author"]
        case .authorEmail: ["author.email", "email"]
        default: []
        }
    }
}
