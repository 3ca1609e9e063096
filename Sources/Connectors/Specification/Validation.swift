public import ByteJSON
import Common

/// Settings that were checked against a specification.
public struct CheckedSettings: Sendable {
    /// The connection's settings that are not secret, defaults filled in.
    public var connection: [String: JSON] = [:]
    /// The connection's secrets.
    public var secrets: [String: JSON] = [:]
    /// The stream's settings, defaults filled in.
    public var stream: [String: JSON] = [:]
    /// What is wrong; the settings may be used only if this is empty.
    public var problems: [FieldProblem] = []
}

extension Specification {
    /// What is wrong with these settings; empty is nothing.
    public func validate(connection: [String: JSON], stream: [String: JSON]) -> [FieldProblem] {
        check(connection: connection, stream: stream).problems
    }

    /// Checks settings and fills in defaults.
    public func check(connection: [String: JSON], stream: [String: JSON]) -> CheckedSettings {
        var checked = CheckedSettings()
        let account = Self.check(connection, against: self.connection, of: .connection, &checked.problems)
        let secret = Set(self.connection.filter(\.secret).map(\.name))
        checked.connection = account.filter { !secret.contains($0.key) }
        checked.secrets = account.filter { secret.contains($0.key) }
        checked.stream = Self.check(stream, against: self.stream, of: .stream, &checked.problems)
        return checked
    }

    private static func check(
        _ values: [String: JSON], against fields: [Field], of place: FieldProblem.Place,
        _ problems: inout [FieldProblem]
    ) -> [String: JSON] {
        let known = Set(fields.map(\.name))
        for name in values.keys.sorted() where !known.contains(name) {
            let near = Suggestion.nearest(to: name, in: fields.map(\.name))
            let hint = near.map { "did you mean `\($0)`?" } ?? Self.listing(fields.map(\.name))
            problems.append(FieldProblem(place: place, field: name, reason: "there is no such field; \(hint)"))
        }
        var result: [String: JSON] = [:]
        for field in fields {
            let given = values[field.name].flatMap { $0 == .null || $0 == .string("") ? nil : $0 }
            guard let value = given ?? field.default else {
                if field.required {
                    let example = field.example.map { ", for example \($0.text)" } ?? ""
                    problems.append(
                        FieldProblem(place: place, field: field.name, reason: "missing: \(field.title)\(example)"))
                }
                continue
            }
            if let reason = field.reject(value) {
                problems.append(FieldProblem(place: place, field: field.name, reason: reason))
            } else {
                result[field.name] = value
            }
        }
        return result
    }

    private static func listing(_ names: [String]) -> String {
        names.isEmpty ? "this connector takes none here" : "known are \(names.joined(separator: ", "))"
    }
}

extension Specification.Field {
    /// Why a value does not fit; nil if it does.
    func reject(_ value: JSON) -> String? {
        switch type {
        case .string:
            guard let text = value.string else { return "must be text" }
            return rejectPattern(text)
        case .url:
            guard let text = value.string, let host = Address.host(text), !host.isEmpty,
                text.hasPrefix("https://") || text.hasPrefix("http://"),
                !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
            else { return "must be an address that begins with https:// or http://" }
            return rejectPattern(text)
        case .integer: return value.integer == nil ? "must be a whole number" : nil
        case .boolean: return value.bool == nil ? "must be true or false" : nil
        case .date:
            return value.string.flatMap({ Timestamp($0) }) == nil ? "must be a date such as 2021-01-31" : nil
        case .choice:
            guard let text = value.string, choices.contains(text) else {
                return "must be one of \(choices.joined(separator: ", "))"
            }
            return nil
        case .strings:
            guard let list = value.array, list.allSatisfy({ $0.string != nil }) else {
                return "must be a list of texts"
            }
            return list.compactMap(\.string).lazy.compactMap(rejectPattern).first
        case .object: return value.object == nil ? "must be an object" : nil
        }
    }

    private func rejectPattern(_ text: String) -> String? {
        guard let pattern, let expression = try? Regex(pattern) else { return nil }
        if text.wholeMatch(of: expression) != nil { return nil }
        let hint = example.map { "; for example \($0.text)" } ?? ""
        return "does not have the form that is expected\(hint)"
    }
}
