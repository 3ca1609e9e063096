import ByteJSON

/// A shape as one stream needs it: what its settings decide is decided, and what it looks up in an item is found in
/// one pass over the item.
///
/// A class, so that handing it around copies nothing.
final class CompiledShape: Sendable {
    let name: String
    let when: Condition?
    let items: Path
    let skip: Condition?
    let required: [NormalisedField]
    /// What all items have alike.
    let beginning: Draft
    let fields: [CompiledField]
    let custom: [(name: String, value: Expression)]
    let table: JSONMemberTable

    init(_ shape: Normalisation.Shape, settings: MappingScope) {
        var beginning = Draft()
        var fields: [(field: NormalisedField, value: Expression)] = []
        for (field, expression) in shape.fields {
            let folded = expression.folded(in: settings)
            if let value = folded.constantValue, beginning.set(field, to: value) == nil { continue }
            if !folded.isMissing { fields.append((field, folded)) }
        }
        var slots = MemberSlots()
        name = shape.name
        when = shape.when.map { $0.folded(in: settings) }
        items = Path(shape.items)
        skip = shape.skip.map { slots.place($0.folded(in: settings)) }
        required = shape.required
        self.beginning = beginning
        self.fields = fields.map { CompiledField($0.field, slots.place($0.value)) }
        custom = shape.custom.map { ($0.name, slots.place($0.value.folded(in: settings))) }
        table = JSONMemberTable(slots.names)
    }
}

/// A field's expression, with the shortest way to its value.
struct CompiledField: Sendable {
    let field: NormalisedField
    private let expression: Expression
    /// Where the value lies, one place after another, if that is all there is to it.
    private let places: [Path]?
    /// The members without which the value is missing; 0 if it may be there in any case.
    private let needed: UInt64

    init(_ field: NormalisedField, _ expression: Expression) {
        self.field = field
        self.expression = expression
        places = expression.places
        var paths: [Path] = []
        _ = expression.mapPaths {
            paths.append($0); return $0
        }
        let isOfItem = paths.allSatisfy { $0.slot != nil } && expression.evaluate(in: MappingScope(item: nil)) == nil
        needed = isOfItem ? paths.reduce(0) { $0 | 1 << UInt64(($1.slot ?? 0) & 63) } : 0
    }

    /// The field's value in an item, of whose members these are looked at.
    func value(in scope: MappingScope, _ members: JSONMembers) -> MappedValue? {
        if needed != 0, members.present & needed == 0 { return nil }
        guard let places else { return expression.evaluate(in: scope) }
        for place in places {
            guard let slot = place.slot, let member = members[slot] else { continue }
            let found = place.relative.count == 1 ? member : place.relative.dropFirst().value(in: member)
            guard let value = found.flatMap({ MappedValue($0) }) else { continue }
            if places.count == 1 || !value.isEmpty { return value }
        }
        return nil
    }
}

/// Gives the members that a mapping looks up in an item their slots.
private struct MemberSlots {
    private(set) var names: [String] = []

    mutating func place(_ expression: Expression) -> Expression { expression.mapPaths { place($0) } }
    mutating func place(_ condition: Condition) -> Condition { condition.mapPaths { place($0) } }

    private mutating func place(_ path: Path) -> Path {
        var path = path.inItem
        guard path.origin == .item, case .member(let name) = path.relative.first else { return path }
        if let slot = names.firstIndex(of: name) {
            path.slot = slot
        } else {
            path.slot = names.count
            names.append(name)
        }
        return path
    }
}

// MARK: - Rewriting

extension Expression {
    /// Without a value, whatever the item.
    var isMissing: Bool { self == .coalesce([]) }

    /// The paths in an item that it is made of, if it is one or a list of alternatives.
    fileprivate var places: [Path]? {
        switch self {
        case .path(let path): return path.slot == nil ? nil : [path]
        case .coalesce(let choices):
            let paths = choices.compactMap { if case .path(let path) = $0, path.slot != nil { path } else { nil } }
            return paths.count == choices.count && paths.count > 1 ? paths : nil
        default: return nil
        }
    }

    /// The value, if it is the same for all items.
    var constantValue: MappedValue? {
        if case .constant(let json) = self { MappedValue(json) } else { nil }
    }

    /// The expression with the settings in it, and with everything worked out that depends on nothing else.
    func folded(in settings: MappingScope) -> Expression {
        let inner: Expression
        switch self {
        case .constant: return self
        case .path(let path):
            switch path.origin {
            case .config, .entity, .stream: return constant(in: settings)
            default: return self
            }
        case .coalesce(let choices):
            var kept: [Expression] = []
            for choice in choices.map({ $0.folded(in: settings) }) where !choice.isMissing {
                kept.append(choice)
                if let value = choice.constantValue, !value.isEmpty { break }
            }
            return kept.count == 1 && kept[0].constantValue != nil ? kept[0] : .coalesce(kept)
        case .call(let function, let arguments):
            inner = .call(function, arguments.map { $0.folded(in: settings) })
        case .join(let parts, let separator):
            inner = .join(parts.map { $0.folded(in: settings) }, separator: separator)
        case .concatenate(let parts): inner = .concatenate(parts.map { $0.folded(in: settings) })
        case .when(let condition, let yes, let no):
            return .when(
                condition.folded(in: settings), then: yes.folded(in: settings), else: no?.folded(in: settings))
        case .map(let value, let table, let fallback):
            inner = .map(value.folded(in: settings), table, default: fallback)
        case .each(let list, let condition, let take):
            return .each(
                list.folded(in: settings), where: condition?.folded(in: settings), take: take.folded(in: settings))
        case .find(let list, let condition, let take):
            return .find(
                list.folded(in: settings), where: condition.folded(in: settings), take: take.folded(in: settings))
        }
        return inner.parts.allSatisfy { $0.constantValue != nil || $0.isMissing } ? inner.constant(in: settings) : inner
    }

    private func constant(in settings: MappingScope) -> Expression {
        evaluate(in: settings).map { .constant($0.json) } ?? .coalesce([])
    }

    private var parts: [Expression] {
        switch self {
        case .call(_, let parts), .join(let parts, _), .concatenate(let parts): parts
        case .map(let value, _, _): [value]
        default: []
        }
    }

    /// The expression with other paths; those that are looked up in an array's elements stay.
    func mapPaths(_ transform: (Path) -> Path) -> Expression {
        switch self {
        case .path(let path): .path(transform(path))
        case .constant: self
        case .coalesce(let choices): .coalesce(choices.map { $0.mapPaths(transform) })
        case .call(let function, let arguments): .call(function, arguments.map { $0.mapPaths(transform) })
        case .join(let parts, let separator): .join(parts.map { $0.mapPaths(transform) }, separator: separator)
        case .concatenate(let parts): .concatenate(parts.map { $0.mapPaths(transform) })
        case .when(let condition, let yes, let no):
            .when(condition.mapPaths(transform), then: yes.mapPaths(transform), else: no?.mapPaths(transform))
        case .map(let value, let table, let fallback):
            .map(value.mapPaths(transform), table, default: fallback)
        case .each(let list, let condition, let take): .each(list.mapPaths(transform), where: condition, take: take)
        case .find(let list, let condition, let take): .find(list.mapPaths(transform), where: condition, take: take)
        }
    }
}

extension Condition {
    func folded(in settings: MappingScope) -> Condition { mapExpressions { $0.folded(in: settings) } }

    func mapPaths(_ transform: (Path) -> Path) -> Condition { mapExpressions { $0.mapPaths(transform) } }

    private func mapExpressions(_ transform: (Expression) -> Expression) -> Condition {
        switch self {
        case .exists(let value): .exists(transform(value))
        case .truthy(let value): .truthy(transform(value))
        case .equals(let value, let constant): .equals(transform(value), constant)
        case .isIn(let value, let constants): .isIn(transform(value), constants)
        case .hasPrefix(let value, let text): .hasPrefix(transform(value), text)
        case .hasSuffix(let value, let text): .hasSuffix(transform(value), text)
        case .contains(let value, let text): .contains(transform(value), text)
        case .isOf(let value, let kind): .isOf(transform(value), kind)
        case .all(let conditions): .all(conditions.map { $0.mapExpressions(transform) })
        case .any(let conditions): .any(conditions.map { $0.mapExpressions(transform) })
        case .not(let condition): .not(condition.mapExpressions(transform))
        }
    }
}
