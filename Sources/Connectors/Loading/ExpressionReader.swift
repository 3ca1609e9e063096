import ByteJSON

extension NodeReader {
    /// A path, a list of alternatives, or a map with one function.
    mutating func expression(_ node: SourceNode) -> Expression? {
        switch node.value {
        case .scalar(.null), .scalar(.bool):
            report(
                "an expression is a path, a list of alternatives or a function; write {const: …} for a value", at: node)
            return nil
        case .scalar:
            let path = Path(node.text ?? "")
            noteHoles([path], at: node)
            return .path(path)
        case .sequence(let nodes):
            if nodes.isEmpty { report("a list of alternatives needs one at least", at: node) }
            return .coalesce(nodes.compactMap { expression($0) })
        case .mapping: return function(node)
        }
    }

    private mutating func function(_ node: SourceNode) -> Expression? {
        guard var members = members(node, of: "an expression") else { return nil }
        let structural = ["const", "join", "template", "if", "map", "each", "find"]
        let names = structural + Expression.Function.allCases.map(\.rawValue)
        let called = members.entries.filter { names.contains($0.key) }.map(\.key)
        guard let name = called.first, called.count == 1 else {
            let given = members.entries.map(\.key)
            let hint = given.first.flatMap { Suggestion.nearest(to: $0, in: names) }.map { "did you mean `\($0)`?" }
            report(
                called.isEmpty
                    ? "an expression needs a function; \(hint ?? "known are \(names.sorted().joined(separator: ", "))")"
                    : "an expression has one function, not \(called.joined(separator: " and "))", at: node)
            return nil
        }
        let result =
            switch name {
            case "const": constant(&members)
            case "join": join(&members)
            case "template": template(&members)
            case "if": choice(&members)
            case "map": table(&members)
            case "each": each(&members)
            case "find": find(&members)
            default: call(name, &members)
            }
        finish(members)
        return result
    }

    private mutating func constant(_ members: inout Members) -> Expression? {
        let node = members.take("const")
        return .constant(node?.json ?? .null)
    }

    private mutating func join(_ members: inout Members) -> Expression? {
        let parts = members.take("join").map { list($0) } ?? []
        let separator = members.take("with").flatMap { text($0, "`with`") } ?? " "
        return .join(parts.compactMap { expression($0) }, separator: separator)
    }

    /// `{{path}}` or `{{path|function}}` in a text; missing if one of the paths is.
    private mutating func template(_ members: inout Members) -> Expression? {
        guard let node = members.take("template"), let source = text(node, "`template`") else { return nil }
        var parts: [Expression] = []
        noteHoles(Template(source).holes, at: node)
        for piece in Template(source).pieces {
            switch piece {
            case .text(let text): parts.append(.constant(.string(text)))
            case .hole(let path, nil): parts.append(.path(path))
            case .hole(let path, let function?):
                guard let known = Expression.Function(rawValue: function.rawValue) else {
                    report("`\(function.rawValue)` is a function of requests, not of mappings", at: node)
                    continue
                }
                parts.append(.call(known, [.path(path)]))
            case .malformed(let reason): report(reason, at: node)
            }
        }
        return .concatenate(parts)
    }

    private mutating func choice(_ members: inout Members) -> Expression? {
        let test = members.take("if").flatMap { condition($0) }
        let yes = members.take("then").flatMap { expression($0) }
        let no = members.take("else").flatMap { expression($0) }
        guard let test, let yes else {
            if !members.has("then") { report("`if` needs `then`", at: members.node) }
            return nil
        }
        return .when(test, then: yes, else: no)
    }

    private mutating func table(_ members: inout Members) -> Expression? {
        let value = members.take("map").flatMap { expression($0) }
        let fallback = members.take("default")?.json
        guard let node = members.take("values"), let entries = self.members(node, of: "`values`")?.entries else {
            if !members.has("values") { report("`map` needs `values`", at: members.node) }
            return nil
        }
        let table = Dictionary(entries.map { ($0.key, $0.node.json) }, uniquingKeysWith: { $1 })
        return value.map { .map($0, table, default: fallback) }
    }

    private mutating func each(_ members: inout Members) -> Expression? {
        let list = members.take("each").flatMap { expression($0) }
        let test = members.take("where").flatMap { condition($0) }
        let take = members.take("take").flatMap { expression($0) } ?? .path(Path(""))
        return list.map { .each($0, where: test, take: take) }
    }

    private mutating func find(_ members: inout Members) -> Expression? {
        let list = members.take("find").flatMap { expression($0) }
        let take = members.take("take").flatMap { expression($0) } ?? .path(Path(""))
        guard let test = members.take("where").flatMap({ condition($0) }) else {
            if !members.has("where") { report("`find` needs `where`", at: members.node) }
            return nil
        }
        return list.map { .find($0, where: test, take: take) }
    }

    private mutating func call(_ name: String, _ members: inout Members) -> Expression? {
        guard let function = Expression.Function(rawValue: name),
            let value = members.take(name).flatMap({ expression($0) })
        else { return nil }
        let argument: String? =
            switch function {
            case .after, .before: "mark"
            case .stripPrefix: "prefix"
            default: nil
            }
        guard let argument else { return .call(function, [value]) }
        guard let text = members.take(argument).flatMap({ text($0, "`\(argument)`") }) else {
            if !members.has(argument) { report("`\(name)` needs `\(argument)`", at: members.node) }
            return nil
        }
        return .call(function, [value, .constant(.string(text))])
    }
}

// MARK: - Conditions

extension NodeReader {
    /// A map with one test.
    mutating func condition(_ node: SourceNode) -> Condition? {
        let names = [
            "exists", "missing", "truthy", "equals", "in", "starts_with", "ends_with", "contains", "is", "all", "any",
            "not",
        ]
        guard let members = members(node, of: "a condition") else { return nil }
        guard let entry = members.entries.first, members.entries.count == 1 else {
            report("a condition has one test: \(names.joined(separator: ", "))", at: node)
            return nil
        }
        switch entry.key {
        case "exists": return expression(entry.node).map(Condition.exists)
        case "missing": return expression(entry.node).map { .not(.exists($0)) }
        case "truthy": return expression(entry.node).map(Condition.truthy)
        case "equals": return pair(entry) { .equals($0, $1.json) }
        case "in":
            return pair(entry) { value, list in
                .isIn(value, list.json.array ?? [list.json])
            }
        case "starts_with": return pair(entry) { .hasPrefix($0, $1.text ?? "") }
        case "ends_with": return pair(entry) { .hasSuffix($0, $1.text ?? "") }
        case "contains": return pair(entry) { .contains($0, $1.text ?? "") }
        case "is":
            guard case .sequence(let parts) = entry.node.value, parts.count == 2,
                let kind = word(parts[1], "the kind", as: Condition.ValueKind.self)
            else {
                report("`is` takes a path and one of object, array, string, number, boolean", at: entry.node)
                return nil
            }
            return expression(parts[0]).map { .isOf($0, kind) }
        case "all": return .all(list(entry.node).compactMap { condition($0) })
        case "any": return .any(list(entry.node).compactMap { condition($0) })
        case "not": return condition(entry.node).map(Condition.not)
        default:
            let hint = Suggestion.nearest(to: entry.key, in: names).map { "did you mean `\($0)`?" }
            report(
                "there is no test `\(entry.key)`; \(hint ?? "known are \(names.joined(separator: ", "))")", at: entry)
            return nil
        }
    }

    private mutating func pair(
        _ entry: SourceNode.Entry, _ make: (Expression, SourceNode) -> Condition
    ) -> Condition? {
        guard case .sequence(let parts) = entry.node.value, parts.count == 2 else {
            report("`\(entry.key)` takes a list of two: a path and a value", at: entry.node)
            return nil
        }
        return expression(parts[0]).map { make($0, parts[1]) }
    }
}
