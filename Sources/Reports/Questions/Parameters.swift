import ByteJSON
import Common
import Foundation
import Hummingbird
import ServiceKit

/// The parameters of a question: from the query, and from the members of a JSON body. Each may have several values,
/// repeated, in an array or separated by commas.
struct Parameters: Sendable {
    private var values: [String: [String]] = [:]

    init(_ pairs: [(name: String, value: String)]) {
        for pair in pairs { values[pair.name, default: []].append(pair.value) }
    }

    init(query request: Request) throws {
        self.init(
            try (request.uri.query ?? "").split(separator: "&").map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard let name = Self.decode(parts[0]), let value = Self.decode(parts.count > 1 ? parts[1] : "") else {
                    throw Problem.badRequest("`\(pair)` is not percent-encoded UTF-8")
                }
                return (name, value)
            })
    }

    private static func decode(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }

    /// Adds the members of a body.
    mutating func add(body: [UInt8]) throws {
        guard !body.allSatisfy({ $0 <= 0x20 }) else { return }
        let json: JSONValue
        do {
            json = try JSONDocument(parsing: body).root
        } catch {
            throw Problem.badRequest("the body is \(error); send a JSON object with the parameters as members")
        }
        guard json.kind == .object else {
            throw Problem.badRequest("the body is no JSON object; send the parameters as its members")
        }
        for (name, value) in json.members {
            for one in value.kind == .array ? Array(value.elements) : [value] {
                switch one.kind {
                case .string: values[name, default: []].append(one.string ?? "")
                case .integer, .double, .true, .false:
                    values[name, default: []].append(String(decoding: one.raw, as: UTF8.self))
                case .null: continue
                case .array, .object:
                    throw Problem.badRequest(
                        "`\(name)` has a value that is no text or number",
                        errors: [("/\(name)", "send a text, a number or an array of them")])
                }
            }
        }
    }

    /// As ``json`` wrote them.
    init(_ json: JSON) {
        for (name, value) in json.object ?? [:] { values[name] = (value.array ?? [value]).compactMap(\.string) }
    }

    /// The parameters as an object, each with an array of texts.
    var json: JSON { .object(values.mapValues { .array($0.map { .string($0) }) }) }

    /// Takes parameters out that are not the question's own.
    mutating func take(_ name: String) throws -> String? {
        defer { values[name] = nil }
        return try one(name)
    }

    /// Takes all values of a parameter out.
    mutating func takeList(_ name: String) -> [String] {
        defer { values[name] = nil }
        return list(name)
    }

    /// The same with these values in place of any of their names.
    func setting(_ pairs: [(name: String, value: String)]) -> Parameters {
        var changed = self
        for (name, values) in Parameters(pairs).values { changed.values[name] = values }
        return changed
    }

    /// The same with a range that does not depend on when it is asked.
    func settingRange(_ range: Range<Int64>, _ zone: ZoneOffsets) -> Parameters {
        var pinned = self
        pinned.values["from"] = [Timestamp(milliseconds: range.lowerBound).description]
        pinned.values["to"] = [Timestamp(milliseconds: range.upperBound).description]
        pinned.values["timezone"] = [zone.name]
        return pinned
    }

    /// Refuses names that are not known, with the one that was probably meant.
    func requireOnly(_ known: [String]) throws {
        let unknown = values.keys.filter { !known.contains($0) }.sorted()
        guard !unknown.isEmpty else { return }
        let errors = unknown.map { (at: $0, reason: Suggestion.hint(for: $0, among: known)) }
        throw Problem(
            .badRequest, code: "unknown_parameter",
            "unknown parameter \(unknown.map { "`\($0)`" }.joined(separator: ", ")): \(errors[0].reason)",
            errors: errors)
    }

    /// The only value; nil if there is none.
    func one(_ name: String) throws -> String? {
        let all = values[name] ?? []
        guard all.count <= 1 else { throw Problem.badParameter(name, "has \(all.count) values; send one") }
        return all.first.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// All values.
    func list(_ name: String) -> [String] {
        (values[name] ?? []).flatMap { $0.split(separator: ",") }.map { $0.trimmed }.filter { !$0.isEmpty }.unique
    }
}

extension Problem {
    static func badParameter(_ name: String, _ reason: String) -> Problem {
        Problem(.badRequest, code: "bad_parameter", "`\(name)` \(reason)", errors: [(name, reason)])
    }
}

extension Substring {
    var trimmed: String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

extension Array where Element: Hashable {
    /// Each element once, in the order of the first.
    var unique: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
