import ByteJSON
import Common

/// Text with `{{name}}` or `{{name|function}}` holes, filled from ``TemplateValues``.
///
/// Names: `config.<field>` (connection, secrets included), `entity.<field>` (stream), `cursor.<name>`,
/// `window.from`, `window.to`, `page`, `item.<path>` (in a nested request), `now`.
/// A hole whose value is missing makes the header or the query parameter disappear; in a path it is an error.
public struct Template: Sendable, Hashable {
    /// The text as it was written.
    public let source: String
    let pieces: [Piece]

    enum Piece: Sendable, Hashable {
        case text(String)
        case hole(path: Path, function: Function?)
        /// Not closed, or with a function that there is none of.
        case malformed(String)
    }

    /// What a hole may do to its value.
    public enum Function: String, Sendable, CaseIterable {
        /// `2021-01-31`.
        case date
        /// The day after, for providers whose upper bound leaves its day out.
        case nextDate = "next_date"
        case rfc3339, unix
        case unixMilliseconds = "unix_ms"
        /// Percent-encoded, the solidus too.
        case url
        case base64
        /// Without a solidus at the end.
        case trimSlash = "trim_slash"
        case lower
        /// As it is, in an address too.
        case raw
        /// A text of JSON, with its quotation marks.
        case json
    }

    public init(_ source: String) {
        self.source = source
        var pieces: [Piece] = []
        var rest = source[...]
        while let open = rest.firstRange(of: "{{") {
            if open.lowerBound > rest.startIndex { pieces.append(.text(String(rest[..<open.lowerBound]))) }
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else {
                pieces.append(.malformed("`{{` without `}}`"))
                rest = ""
                break
            }
            pieces.append(Self.hole(rest[..<close.lowerBound]))
            rest = rest[close.upperBound...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        self.pieces = pieces
    }

    private static func hole(_ text: Substring) -> Piece {
        let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
            .map { String($0).trimmed }
        guard let name = parts.first, !name.isEmpty else { return .malformed("a hole without a name") }
        guard parts.count > 1 else { return .hole(path: Path(name), function: nil) }
        guard let function = Function(rawValue: parts[1]) else {
            return .malformed("there is no function `\(parts[1])` for a hole")
        }
        return .hole(path: Path(name), function: function)
    }

    /// What is wrong with the template itself; nil is nothing.
    var problem: String? {
        for case .malformed(let reason) in pieces { return reason }
        return nil
    }

    /// The paths of its holes.
    var holes: [Path] {
        pieces.compactMap { if case .hole(let path, _) = $0 { path } else { nil } }
    }

    /// The text with its holes filled; nil if a value is missing.
    ///
    /// - Throws: ``TemplateError`` if the template is malformed or a function has no value for what it was given.
    public func fill(_ values: TemplateValues) throws(TemplateError) -> String? {
        try fill(values) { value, _ in value }
    }

    /// As ``fill(_:)``; `encode` sees each value and whether it begins the text.
    func fill(_ values: TemplateValues, encode: (String, Bool) -> String) throws(TemplateError) -> String? {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let literal): text += literal
            case .malformed(let reason): throw TemplateError(template: source, reason: reason)
            case .hole(let path, let function):
                guard let value = values.value(at: path) else { return nil }
                guard let filled = function.map({ $0.apply(to: value) }) ?? value.string else {
                    throw TemplateError(
                        template: source, reason: "`\(path)` has no value for `\(function?.rawValue ?? "text")`")
                }
                text += function == .raw || function == .url ? filled : encode(filled, text.isEmpty)
            }
        }
        return text
    }
}

extension Template: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

/// Why a template could not be filled.
public struct TemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The template as it was written; its values are not told, as they may be secret.
    public let template: String
    public let reason: String

    public var description: String { "the template `\(template)` could not be filled: \(reason)" }
}

extension Template.Function {
    func apply(to value: MappedValue) -> String? {
        switch self {
        case .date: value.timestamp.map { String($0.description.prefix(10)) }
        case .nextDate: value.timestamp.map { String($0.advanced(bySeconds: 86_400).description.prefix(10)) }
        case .rfc3339: value.timestamp.map { String($0.description.prefix(19)) + "Z" }
        case .unix: value.timestamp.map { String($0.milliseconds.flooredQuotient(by: 1000)) }
        case .unixMilliseconds: value.timestamp.map { String($0.milliseconds) }
        case .url: value.string.map(PercentEncoding.component)
        case .base64: value.string.map { Base64.encode(Array($0.utf8)) }
        case .trimSlash:
            value.string.map { text in
                text.utf8.last == 0x2F ? String(text[...(text.lastIndex { $0 != "/" } ?? text.startIndex)]) : text
            }
        case .lower: value.string.map { $0.lowercased() }
        case .raw: value.string
        case .json: value.string.map { String(decoding: JSON.string($0).bytes, as: UTF8.self) }
        }
    }
}

/// Base 64 after RFC 4648, with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for position in 0..<4 {
                let sextet = Int(bits >> UInt32(18 - 6 * position) & 63)
                text.append(position <= group.count ? alphabet[sextet] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
