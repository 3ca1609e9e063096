import ByteJSON

extension NodeReader {
    /// `spec`: the fields of the connection and of the stream.
    mutating func specification(_ node: SourceNode) -> Specification {
        guard var members = members(node, of: "`spec`") else { return Specification() }
        let connection = members.take("connection").map { fields($0) } ?? []
        let stream = members.take("stream").map { fields($0) } ?? []
        finish(members)
        for field in stream where field.secret {
            report("`\(field.name)` is secret: secrets belong to the connection, where they are sealed", at: node)
        }
        return Specification(connection: connection, stream: stream)
    }

    private mutating func fields(_ node: SourceNode) -> [Specification.Field] {
        var fields: [Specification.Field] = []
        for element in list(node) {
            guard let field = field(element) else { continue }
            if fields.contains(where: { $0.name == field.name }) {
                report("the field `\(field.name)` is there twice", at: element)
            }
            fields.append(field)
        }
        return fields
    }

    private mutating func field(_ node: SourceNode) -> Specification.Field? {
        guard var members = members(node, of: "a field") else { return nil }
        let name = required(&members, "name").flatMap { text($0, "`name`") }
        if let name, !Self.isName(name) {
            report("a field's name is of lower-case letters, digits and _, not `\(name)`", at: node)
        }
        var field = Specification.Field(name: name ?? "", title: name ?? "")
        if let node = members.take("type") {
            field.type = word(node, "the type", as: Specification.Field.FieldType.self) ?? .string
        }
        field.title = required(&members, "title").flatMap { text($0, "`title`") } ?? ""
        field.help = members.take("help").flatMap { text($0, "`help`") }
        field.required = members.take("required").flatMap { boolean($0, "`required`") } ?? false
        field.secret = members.take("secret").flatMap { boolean($0, "`secret`") } ?? false
        field.default = members.take("default")?.json
        field.choices = members.take("choices").map { texts($0, "a choice") } ?? []
        field.example = members.take("example")?.json
        field.link = members.take("link").flatMap { text($0, "`link`") }
        if let node = members.take("pattern"), let pattern = text(node, "`pattern`") {
            if (try? Regex(pattern)) == nil { report("`\(pattern)` is no regular expression", at: node) }
            field.pattern = pattern
        }
        finish(members)
        if field.type == .choice, field.choices.isEmpty { report("a choice needs `choices`", at: node) }
        if let value = field.default, let reason = field.reject(value) {
            report("the default of `\(field.name)` \(reason)", at: node)
        }
        return name == nil ? nil : field
    }
}
