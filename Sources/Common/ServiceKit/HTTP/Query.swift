public import Common
import Foundation
public import Hummingbird

/// The parameters of a request's query, decoded, each at most once.
public struct Query: Sendable {
    private var values: [String: String] = [:]

    /// - Throws: ``Problem`` 400 for a parameter that is unknown here, occurs twice or is badly encoded.
    init(_ text: String, known: [String]) throws {
        var errors: [(at: String, reason: String)] = []
        for pair in text.split(separator: "&").prefix(200) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(parts[0]), let value = Self.decode(parts.count > 1 ? parts[1] : "") else {
                errors.append((String(parts[0]), "not percent-encoded UTF-8"))
                continue
            }
            if !known.contains(name) {
                errors.append((name, "no such parameter; \(Suggestion.hint(for: name, among: known))"))
            } else if values.updateValue(value, forKey: name) != nil {
                errors.append((name, "given twice; separate several values by commas"))
            }
        }
        guard errors.isEmpty else {
            throw Problem(
                .badRequest, code: "unknown_parameter",
                errors.map { "parameter `\($0.at)`: \($0.reason)" }.joined(separator: "; "), errors: errors)
        }
    }

    private static func decode(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }

    /// The value of a parameter; nil if it was not given or is empty.
    public subscript(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// The values of a parameter that takes several, separated by commas.
    public func list(_ name: String) -> [String] {
        self[name]?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty } ?? []
    }

    /// A whole number within bounds.
    public func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw invalid(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound), not `\(text)`")
        }
        return value
    }

    /// A date or an instant.
    public func timestamp(_ name: String) throws -> Timestamp? {
        guard let text = self[name] else { return nil }
        guard let value = Timestamp(text) else {
            throw invalid(name, "must be a date (2021-02-20) or an instant (2021-02-20T10:00:00Z), not `\(text)`")
        }
        return value
    }

    /// One of the words of an enumeration.
    public func choice<Value: RawRepresentable<String> & CaseIterable>(_ name: String, of type: Value.Type = Value.self)
        throws -> Value?
    {
        guard let text = self[name] else { return nil }
        guard let value = Value(rawValue: text) else {
            throw invalid(name, "`\(text)` is not one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    /// A typed identifier.
    public func identifier<Kind>(_ name: String, of kind: Kind.Type = Kind.self) throws -> Identifier<Kind>? {
        guard let text = self[name] else { return nil }
        guard let value = Identifier<Kind>(text) else {
            throw invalid(name, "must look like \(Kind.prefix)…, not `\(text)`")
        }
        return value
    }

    /// A parameter that must be there.
    public func require(_ name: String) throws -> String {
        guard let value = self[name] else { throw invalid(name, "is required") }
        return value
    }

    private func invalid(_ name: String, _ reason: String) -> Problem {
        Problem(
            .badRequest, code: "invalid_parameter", "parameter `\(name)` \(reason)",
            errors: [(at: name, reason: reason)])
    }
}

extension Request {
    /// The query, whose parameters must all be among these.
    ///
    /// - Throws: ``Problem`` 400 naming what is unknown and what may have been meant.
    public func requireOnly(parameters: [String] = []) throws -> Query {
        try Query(uri.query ?? "", known: parameters)
    }
}

extension APIContext {
    /// A path parameter that is a typed identifier.
    ///
    /// - Throws: ``Problem`` 404: what cannot be an identifier names nothing.
    public func identifier<Kind>(_ name: String, of kind: Kind.Type = Kind.self) throws -> Identifier<Kind> {
        guard let text = parameters.get(name), let id = Identifier<Kind>(text) else {
            throw Problem.notFound("`\(parameters.get(name) ?? "")` names nothing; it must look like \(Kind.prefix)…")
        }
        return id
    }
}
