import ByteJSON

extension NodeReader {
    /// `normalise`: a list of shapes.
    mutating func normalisation(_ node: SourceNode, shapes known: [String: Normalisation.Shape]) -> Normalisation? {
        var shapes: [Normalisation.Shape] = []
        var known = known
        for element in list(node) {
            guard let shape = shape(element, shapes: known) else { continue }
            shapes.append(shape)
            known[shape.name] = shape
        }
        if shapes.isEmpty { report("`normalise` needs one shape at least", at: node) }
        return shapes.isEmpty ? nil : Normalisation(shapes: shapes)
    }

    /// One shape; `like` begins with the fields of a shared one, or of one above it.
    mutating func shape(
        _ node: SourceNode, shapes known: [String: Normalisation.Shape] = [:]
    ) -> Normalisation.Shape? {
        guard var members = members(node, of: "a shape") else { return nil }
        let name = required(&members, "shape").flatMap { text($0, "`shape`") } ?? ""
        var shape = Normalisation.Shape(name: name, fields: [])
        if let like = members.take("like"), let name = text(like, "`like`") {
            if let base = known[name] {
                shape = base
            } else {
                report(
                    "there is no shape `\(name)`; known are \(known.keys.sorted().joined(separator: ", "))", at: like)
            }
        }
        shape.name = name
        shape.when = members.take("when").flatMap { condition($0) }
        shape.items = members.take("items").flatMap { text($0, "`items`") } ?? ""
        shape.skip = members.take("skip").flatMap { condition($0) } ?? shape.skip
        if let required = members.take("required") {
            shape.required = list(required).compactMap { word($0, "the field", as: NormalisedField.self) }
        }
        if let node = members.take("fields"), var fields = self.members(node, of: "`fields`") {
            let own = normalisedFields(&fields)
            finish(fields)
            let replaced = Set(own.map(\.field))
            shape.fields = shape.fields.filter { !replaced.contains($0.field) } + own
        }
        if let node = members.take("custom") { shape.custom += namedExpressions(node, of: "`custom`") }
        finish(members)
        let mapped = Set(shape.fields.map(\.field))
        for field in [NormalisedField.instance, .externalID] where !mapped.contains(field) {
            report("the shape `\(name)` does not map `\(field.rawValue)`, which identity needs", at: node)
        }
        if mapped.isDisjoint(with: [.text, .title, .rating, .deleted]) {
            report("the shape `\(name)` maps neither `text` nor `title`, `rating` or `deleted`", at: node)
        }
        return shape
    }
}
