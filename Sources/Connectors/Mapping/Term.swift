import ByteJSON
import Common

/// What an operation gives: a value where it lies, one that was made, or none.
enum Term {
    case missing
    /// Of the payload; never null.
    case view(JSONView)
    /// A part of a text of the payload, as UTF-8 where it lies.
    case part(UnsafeBufferPointer<UInt8>)
    case made(MappedValue)
    case list([Term])

    init(_ view: JSONView?) {
        if let view, !view.isNull { self = .view(view) } else { self = .missing }
    }

    init(_ value: MappedValue?) { self = value.map(Term.made) ?? .missing }

    static func text(_ text: String?) -> Term { text.map { .made(.string($0)) } ?? .missing }

    var isMissing: Bool { if case .missing = self { true } else { false } }

    /// Missing, or a text or a list without anything in it.
    var isEmpty: Bool {
        switch self {
        case .missing: true
        case .view(let view): view.isEmpty
        case .part(let bytes): bytes.isEmpty
        case .made(let value): value.isEmpty
        case .list(let terms): terms.isEmpty
        }
    }

    /// As text: numbers and instants as they are written; nil for arrays and objects.
    var string: String? {
        switch self {
        case .missing: nil
        case .view(let view): view.scalarText
        case .part(let bytes): String(decoding: bytes, as: UTF8.self)
        case .made(let value): value.string
        case .list: nil
        }
    }

    /// As UTF-8; nil where there is no ``string``.
    var utf8: [UInt8]? {
        if case .view(let view) = self {
            switch view.kind {
            case .string, .integer, .double, .true, .false: return view.decodedBytes
            case .null, .array, .object: return nil
            }
        }
        if case .part(let bytes) = self { return Array(bytes) }
        return string.map { Array($0.utf8) }
    }

    /// As a number; a text that is one counts.
    var double: Double? {
        switch self {
        case .missing: nil
        case .view(let view): view.number
        case .part: string.flatMap(MappedValue.number)
        case .made(let value): value.double
        case .list: nil
        }
    }

    /// As a point in time.
    var timestamp: Timestamp? {
        switch self {
        case .missing: nil
        case .view(let view): view.timestamp
        case .part: string.flatMap(MappedValue.instant)
        case .made(let value): value.timestamp
        case .list: nil
        }
    }

    var isTruthy: Bool {
        switch self {
        case .missing: false
        case .view(let view): view.isTruthy
        case .part: string.map(MappedValue.isTruthy) ?? false
        case .made(let value): value.isTruthy
        case .list(let terms): !terms.isEmpty
        }
    }

    var kind: Condition.ValueKind? {
        switch self {
        case .missing: nil
        case .view(let view): view.valueKind
        case .part: .string
        case .made(let value): value.kind
        case .list: .array
        }
    }

    func equals(_ constant: JSON) -> Bool {
        switch self {
        case .missing: false
        case .view(let view): view.equals(constant)
        case .part(let bytes): constant.string.map { bytes.elementsEqual($0.utf8) } ?? false
        case .made(let value): value.equals(constant)
        case .list: json == constant
        }
    }

    /// The elements of a list as texts; one value is a list of one.
    var strings: [String] {
        switch self {
        case .missing: []
        case .view(let view): view.strings
        case .part: string.map { [$0] } ?? []
        case .made(let value): value.strings
        case .list(let terms): terms.compactMap(\.string)
        }
    }

    /// As a tree of its own.
    var json: JSON {
        switch self {
        case .missing: .null
        case .view(let view): JSON(view)
        case .part: string.map(JSON.string) ?? .null
        case .made(let value): value.json
        case .list(let terms): .array(terms.map(\.json))
        }
    }

    /// Its elements; one value is a list of one.
    var elements: [Term] {
        switch self {
        case .missing: []
        case .view(let view): view.kind == .array ? view.elements.filter { !$0.isNull }.map(Term.view) : [self]
        case .part: [self]
        case .made(let value): value.elements.map(Term.made)
        case .list(let terms): terms
        }
    }

    /// Hands out the text that ``string`` gives, as UTF-8 and mostly where it lies.
    @inline(__always)
    func withText<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value? {
        if case .view(let view) = self, !view.isEscaped {
            switch view.kind {
            case .string, .integer, .double, .true, .false: return body(view.content)
            case .null, .array, .object: return nil
            }
        }
        if case .part(let bytes) = self { return body(bytes) }
        guard var text = string else { return nil }
        return text.withUTF8(body)
    }

    /// The payload's values in it; one value is a list of one.
    var views: [JSONView] {
        switch self {
        case .view(let view): view.kind == .array ? Array(view.elements) : [view]
        case .list(let terms): terms.flatMap(\.views)
        case .missing, .part, .made: []
        }
    }

    /// The part of the text that `find` tells; a term of its own, where the text lies in the payload.
    func part(_ find: (UnsafeBufferPointer<UInt8>) -> Range<Int>?) -> Term {
        switch self {
        case .view(let view) where view.kind == .string && !view.isEscaped:
            let bytes = view.content
            return find(bytes).map { .part(UnsafeBufferPointer(rebasing: bytes[$0])) } ?? .missing
        case .part(let bytes):
            return find(bytes).map { .part(UnsafeBufferPointer(rebasing: bytes[$0])) } ?? .missing
        default:
            let part = withText { text in
                find(text).map { String(decoding: UnsafeBufferPointer(rebasing: text[$0]), as: UTF8.self) }
            }
            return .text(part ?? nil)
        }
    }

    /// Whether the text, or one of a list's, contains another one in bytes.
    func contains(_ wanted: [UInt8]) -> Bool {
        switch self {
        case .view(let view) where view.kind == .array: elements.contains { $0.contains(wanted) }
        case .view, .part: withText { $0.contains(wanted) } ?? false
        default: elements.contains { $0.withText { $0.contains(wanted) } ?? false }
        }
    }
}

// MARK: - What a value of a payload is taken for

extension JSONView {
    var isEmpty: Bool {
        switch kind {
        case .null: true
        case .string: content.isEmpty
        case .array: self[0] == nil
        default: false
        }
    }

    var scalarText: String? {
        switch kind {
        case .string, .integer, .double, .true, .false: decoded
        case .null, .array, .object: nil
        }
    }

    var number: Double? {
        switch kind {
        case .integer, .double: double
        case .string: spelledNumber ?? MappedValue.number(decoded)
        default: nil
        }
    }

    /// A date in text, or seconds or milliseconds since 1970.
    var timestamp: Timestamp? {
        guard kind == .string else { return double.flatMap(MappedValue.instant(sinceEpoch:)) }
        if !isEscaped, let instant = Timestamp(utf8: content) { return instant }
        return MappedValue.instant(decoded)
    }

    var isTruthy: Bool {
        switch kind {
        case .null, .false: false
        case .true, .object: true
        case .integer, .double: double != 0
        // Longer than any text that is not, however it is escaped.
        case .string: content.count > 30 || MappedValue.isTruthy(decoded)
        case .array: self[0] != nil
        }
    }

    var valueKind: Condition.ValueKind? {
        switch kind {
        case .null: nil
        case .true, .false: .boolean
        case .integer, .double: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    var strings: [String] {
        kind == .array ? elements.compactMap(\.scalarText) : scalarText.map { [$0] } ?? []
    }

    /// Whether it is this constant; numbers are equal whatever their form.
    func equals(_ constant: JSON) -> Bool {
        switch constant {
        case .string(let wanted): isText(wanted)
        case .integer(let wanted): kind == .integer ? int64 == wanted : double == constant.double
        case .double(let wanted): double == wanted
        case .bool(let wanted): bool == wanted
        case .null: false
        case .array, .object: JSON(self) == constant
        }
    }
}
