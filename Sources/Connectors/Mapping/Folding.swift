import ByteJSON

extension Expression {
    /// Without a value, whatever the item.
    var isMissing: Bool { self == .coalesce([]) }

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
