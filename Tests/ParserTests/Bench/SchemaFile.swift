import ByteJSON
import Foundation

/// A JSON Schema of the repository, with as much of the standard as these schemas use.
///
/// A keyword that it does not know is an error, so that no rule is passed over in silence.
struct SchemaFile {
    private let root: JSON

    /// - Parameter name: `feedback.v1`.
    init(_ name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appendingPathComponent("schemas/\(name).schema.json"))
        root = JSON(try JSONDocument(parsing: Array(data)).root)
    }

    /// Everything in which the value does not follow the schema, each with its place.
    func errors(in value: JSON) -> [String] {
        var errors: [String] = []
        check(value, against: root, at: "", &errors)
        return errors
    }

    func errors(in bytes: [UInt8]) throws -> [String] { errors(in: JSON(try JSONDocument(parsing: bytes).root)) }

    private func check(_ value: JSON, against schema: JSON, at place: String, _ errors: inout [String]) {
        guard let rules = schema.object else { return }
        for (keyword, rule) in rules.sorted(by: { $0.key < $1.key }) {
            switch keyword {
            case "$schema", "$id", "$defs", "title", "description": break
            case "$ref":
                let name = rule.string?.split(separator: "/").last.map(String.init) ?? ""
                guard let target = root["$defs"]?[name] else {
                    errors.append("\(place): no definition \(name)")
                    continue
                }
                check(value, against: target, at: place, &errors)
            case "type": if !isOf(rule.string ?? "", value) { errors.append("\(place): is no \(rule.string ?? "")") }
            case "enum": if rule.array?.contains(value) != true { errors.append("\(place): is none of the choices") }
            case "const": if rule != value { errors.append("\(place): is another value") }
            case "pattern":
                guard let text = value.string, let regex = try? Regex(rule.string ?? "(") else {
                    if value.string != nil { errors.append("\(place): the pattern is wrong") }
                    continue
                }
                if text.firstMatch(of: regex) == nil { errors.append("\(place): `\(text)` does not match") }
            case "minLength": bound(value.string.map { Double($0.count) }, atLeast: rule, place, keyword, &errors)
            case "minItems": bound(value.array.map { Double($0.count) }, atLeast: rule, place, keyword, &errors)
            case "maxItems": bound(value.array.map { Double($0.count) }, atMost: rule, place, keyword, &errors)
            case "minProperties": bound(value.object.map { Double($0.count) }, atLeast: rule, place, keyword, &errors)
            case "maxProperties": bound(value.object.map { Double($0.count) }, atMost: rule, place, keyword, &errors)
            case "minimum": bound(value.double, atLeast: rule, place, keyword, &errors)
            case "maximum": bound(value.double, atMost: rule, place, keyword, &errors)
            case "items":
                for (i, element) in (value.array ?? []).enumerated() {
                    check(element, against: rule, at: "\(place)/\(i)", &errors)
                }
            case "required":
                for name in rule.array ?? [] where value.object != nil && value[name.string ?? ""] == nil {
                    errors.append("\(place): \(name.string ?? "") is missing")
                }
            case "properties":
                for (name, inner) in rule.object ?? [:] {
                    if let member = value[name] { check(member, against: inner, at: "\(place)/\(name)", &errors) }
                }
            case "patternProperties": break  // looked at with additionalProperties
            case "additionalProperties":
                let known = rules["properties"]?.object ?? [:]
                let patterns = rules["patternProperties"]?.object ?? [:]
                for name in (value.object ?? [:]).keys where known[name] == nil {
                    let isMatched = patterns.keys.contains { pattern in
                        (try? Regex(pattern)).map { name.firstMatch(of: $0) != nil } ?? false
                    }
                    if rule == .bool(false), !isMatched { errors.append("\(place): \(name) is not in the schema") }
                }
            default: errors.append("\(place): the keyword \(keyword) is not known to this test")
            }
        }
    }

    private func isOf(_ type: String, _ value: JSON) -> Bool {
        switch (type, value) {
        case ("object", .object), ("array", .array), ("string", .string), ("boolean", .bool), ("null", .null),
            ("number", .integer), ("number", .double), ("integer", .integer):
            true
        default: false
        }
    }

    private func bound(
        _ number: Double?, atLeast rule: JSON, _ place: String, _ keyword: String, _ errors: inout [String]
    ) {
        if let number, let limit = rule.double, number < limit { errors.append("\(place): under \(keyword) \(limit)") }
    }

    private func bound(
        _ number: Double?, atMost rule: JSON, _ place: String, _ keyword: String, _ errors: inout [String]
    ) {
        if let number, let limit = rule.double, number > limit { errors.append("\(place): over \(keyword) \(limit)") }
    }
}
