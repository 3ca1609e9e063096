import ByteJSON
import Common

extension Expression {
    /// The value of the expression; nil is missing.
    public func evaluate(in scope: MappingScope) -> MappedValue? {
        switch self {
        case .path(let path): return scope.value(at: path)
        case .constant(let json): return MappedValue(json)
        case .coalesce(let choices):
            for choice in choices {
                if let value = choice.evaluate(in: scope), !value.isEmpty { return value }
            }
            return nil
        case .call(let function, let arguments):
            guard let value = arguments.first?.evaluate(in: scope) else { return nil }
            return function.apply(to: value, arguments.dropFirst().first?.evaluate(in: scope)?.string ?? "")
        case .join(let parts, let separator):
            let texts = parts.flatMap { $0.evaluate(in: scope)?.strings ?? [] }.filter { !$0.isEmpty }
            return texts.isEmpty ? nil : .string(texts.joined(separator: separator))
        case .concatenate(let parts):
            var text = ""
            for part in parts {
                guard let value = part.evaluate(in: scope)?.string else { return nil }
                text += value
            }
            return .string(text)
        case .when(let condition, let yes, let no):
            return condition.holds(in: scope) ? yes.evaluate(in: scope) : no?.evaluate(in: scope)
        case .map(let expression, let table, let fallback):
            let found = expression.evaluate(in: scope)?.string.flatMap { table[$0] }
            return (found ?? fallback).flatMap { MappedValue($0) }
        case .each(let list, let condition, let take):
            guard let list = list.evaluate(in: scope) else { return nil }
            return .list(
                list.items.compactMap { element in
                    let inner = scope.around(element)
                    return condition?.holds(in: inner) == false ? nil : take.evaluate(in: inner)
                })
        case .find(let list, let condition, let take):
            guard let list = list.evaluate(in: scope) else { return nil }
            return list.items.lazy.map(scope.around).first { condition.holds(in: $0) }
                .flatMap { take.evaluate(in: $0) }
        }
    }
}

extension Condition {
    /// Whether the condition holds.
    public func holds(in scope: MappingScope) -> Bool {
        switch self {
        case .exists(let expression): expression.evaluate(in: scope) != nil
        case .truthy(let expression): expression.evaluate(in: scope)?.isTruthy ?? false
        case .equals(let expression, let constant): expression.evaluate(in: scope)?.equals(constant) ?? false
        case .isIn(let expression, let constants):
            expression.evaluate(in: scope).map { value in constants.contains { value.equals($0) } } ?? false
        case .hasPrefix(let expression, let text):
            expression.evaluate(in: scope)?.string?.hasPrefix(text) ?? false
        case .hasSuffix(let expression, let text):
            expression.evaluate(in: scope)?.string?.hasSuffix(text) ?? false
        case .contains(let expression, let text):
            expression.evaluate(in: scope)?.strings.contains { $0.contains(text) } ?? false
        case .isOf(let expression, let kind): expression.evaluate(in: scope)?.kind == kind
        case .all(let conditions): conditions.allSatisfy { $0.holds(in: scope) }
        case .any(let conditions): conditions.contains { $0.holds(in: scope) }
        case .not(let condition): !condition.holds(in: scope)
        }
    }
}

extension MappingScope {
    /// The same surroundings with another item.
    fileprivate func around(_ element: JSONValue) -> MappingScope {
        var scope = self
        scope.item = element
        scope.members = nil
        scope.root = root ?? item
        return scope
    }
}

extension MappedValue {
    /// The payload's values that a list holds.
    fileprivate var items: [JSONValue] {
        switch self {
        case .value(let value): value.kind == .array ? Array(value.elements) : [value]
        case .list(let values): values.flatMap(\.items)
        default: []
        }
    }
}

extension Expression.Function {
    /// The function's value; nil where it has none for this argument.
    func apply(to value: MappedValue, _ argument: String) -> MappedValue? {
        switch self {
        case .lower: value.string.map { .string($0.lowercased()) }
        case .upper: value.string.map { .string($0.uppercased()) }
        case .trim: value.string.map { .string($0.trimmed) }
        case .firstLine:
            value.string.map { text in
                .string(String(text.trimmed.prefix { !$0.isNewline }))
            }
        case .after: value.string?.parts(around: argument).map { .string(String($0.after)) }
        case .before: value.string?.parts(around: argument).map { .string(String($0.before)) }
        case .unix:
            value.double.flatMap { $0.isFinite && abs($0) < 1e12 ? $0 : nil }
                .map { .instant(Timestamp(milliseconds: Int64(($0 * 1000).rounded()))) }
        case .unixMilliseconds:
            value.double.flatMap { $0.isFinite && abs($0) < 1e15 ? $0 : nil }
                .map { .instant(Timestamp(milliseconds: Int64($0.rounded()))) }
        case .string: value.string.map(MappedValue.string)
        case .number: value.double.map(MappedValue.double)
        case .host: value.string.flatMap(Address.host).map(MappedValue.string)
        case .stripPrefix:
            value.string.map { .string($0.hasPrefix(argument) ? String($0.dropFirst(argument.count)) : $0) }
        case .decodeHTML: value.string.map { .string(CharacterReferences.decode($0)) }
        case .url: value.string.map { .string(PercentEncoding.component($0)) }
        case .trimSlash: Template.Function.trimSlash.apply(to: value).map(MappedValue.string)
        case .rfc3339: value.timestamp.map { .string($0.description) }
        }
    }
}

extension String {
    /// What stands before and after the first occurrence of a text, found in bytes; an empty one occurs nowhere.
    fileprivate func parts(around mark: String) -> (before: Substring, after: Substring)? {
        let wanted = Array(mark.utf8)
        guard let first = wanted.first else { return nil }
        var start = utf8.startIndex
        while let found = utf8[start...].firstIndex(of: first) {
            if utf8[found...].starts(with: wanted) {
                return (self[..<found], self[utf8.index(found, offsetBy: wanted.count)...])
            }
            start = utf8.index(after: found)
        }
        return nil
    }
}
