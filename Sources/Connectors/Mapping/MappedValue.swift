public import ByteJSON
public import Common

/// What an expression gives. Strings of a payload are decoded only when asked for.
public enum MappedValue: Sendable {
    /// A value of the payload; never null.
    case value(JSONValue)
    case string(String)
    case integer(Int64)
    case double(Double)
    case bool(Bool)
    case instant(Timestamp)
    case list([MappedValue])
    /// A setting that is an array or an object.
    case tree(JSON)

    /// Wraps a payload's value; null is missing.
    @inlinable
    public init?(_ value: JSONValue) {
        if value.isNull { return nil }
        self = .value(value)
    }

    /// Wraps a setting; null is missing.
    public init?(_ json: JSON) {
        switch json {
        case .null: return nil
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .double(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .array, .object: self = .tree(json)
        }
    }
}

extension MappedValue {
    /// The value as text: numbers and instants as they are written; nil for arrays and objects.
    public var string: String? {
        switch self {
        case .value(let value): value.withView(\.scalarText)
        case .string(let value): value
        case .integer(let value): String(value)
        case .double(let value): JSON.double(value).text
        case .bool(let value): value ? "true" : "false"
        case .instant(let value): value.description
        case .list, .tree: nil
        }
    }

    /// The value as a number; a text that is one counts.
    public var double: Double? {
        switch self {
        case .value(let value): value.withView(\.number)
        case .string(let value): Self.number(value)
        case .integer(let value): Double(value)
        case .double(let value): value
        case .bool, .instant, .list, .tree: nil
        }
    }

    /// The value as a point in time: a date in text, or seconds or milliseconds since 1970.
    public var timestamp: Timestamp? {
        switch self {
        case .instant(let value): return value
        case .value(let value): return value.withView(\.timestamp)
        case .string(let value): return Self.instant(value)
        default: return double.flatMap(Self.instant(sinceEpoch:))
        }
    }

    /// Neither false, zero, empty, nor one of the texts `false`, `no` and `0`.
    public var isTruthy: Bool {
        switch self {
        case .value(let value): value.withView(\.isTruthy)
        case .string(let value): Self.isTruthy(value)
        case .integer(let value): value != 0
        case .double(let value): value != 0
        case .bool(let value): value
        case .instant: true
        case .list(let values): !values.isEmpty
        case .tree(let json): json.array.map { !$0.isEmpty } ?? true
        }
    }

    /// A text or a list without anything in it.
    public var isEmpty: Bool {
        switch self {
        case .value(let value): value.withView(\.isEmpty)
        case .string(let value): value.isEmpty
        case .list(let values): values.isEmpty
        case .tree(let json): json.array?.isEmpty ?? json.object?.isEmpty ?? false
        case .integer, .double, .bool, .instant: false
        }
    }

    /// The elements of a list as texts; one value is a list of one.
    public var strings: [String] {
        switch self {
        case .value(let value): value.withView(\.strings)
        case .list(let values): values.compactMap(\.string)
        case .tree(.array(let values)): values.compactMap { MappedValue($0)?.string }
        default: string.map { [$0] } ?? []
        }
    }

    /// The elements of a list; one value is a list of one.
    var elements: [MappedValue] {
        switch self {
        case .value(let value) where value.kind == .array: value.elements.compactMap { MappedValue($0) }
        case .list(let values): values
        case .tree(.array(let values)): values.compactMap { MappedValue($0) }
        default: [self]
        }
    }

    /// The value as a tree of its own.
    public var json: JSON {
        switch self {
        case .value(let value): JSON(value)
        case .string(let value): .string(value)
        case .integer(let value): .integer(value)
        case .double(let value): .double(value)
        case .bool(let value): .bool(value)
        case .instant(let value): .string(value.description)
        case .list(let values): .array(values.map(\.json))
        case .tree(let json): json
        }
    }

    /// Whether it is this constant; numbers are equal whatever their form.
    func equals(_ constant: JSON) -> Bool {
        switch (self, constant) {
        case (.value(let value), _): value.withView { $0.equals(constant) }
        case (.string(let value), .string(let wanted)): value == wanted
        case (.integer, .integer), (.integer, .double), (.double, .integer), (.double, .double):
            double == constant.double
        case (.bool(let value), .bool(let wanted)): value == wanted
        case (_, .array), (_, .object): json == constant
        default: false
        }
    }

    var kind: Condition.ValueKind? {
        switch self {
        case .value(let value): value.withView(\.valueKind)
        case .string, .instant: .string
        case .integer, .double: .number
        case .bool: .boolean
        case .list: .array
        case .tree(let json): json.object == nil ? .array : .object
        }
    }

    static func isTruthy(_ text: String) -> Bool {
        switch text.utf8.count > 5 ? text : text.lowercased() {
        case "", "0", "false", "no": false
        default: true
        }
    }

    static func number(_ text: String) -> Double? {
        guard let value = Double(text.trimmed), value.isFinite else { return nil }
        return value
    }

    static func instant(_ text: String) -> Timestamp? {
        let text = text.trimmed
        if let instant = Timestamp(text) { return instant }
        // "20210101" would be a date without separators: a number of seconds has nine digits or more.
        guard text.utf8.count >= 9, let seconds = number(text) else { return nil }
        return instant(sinceEpoch: seconds)
    }

    /// Beyond 1e11 (the year 5138 in seconds) a number counts milliseconds.
    static func instant(sinceEpoch number: Double) -> Timestamp? {
        guard number.isFinite, number > 0, number < 1e15 else { return nil }
        return Timestamp(milliseconds: Int64((number < 1e11 ? number * 1000 : number).rounded()))
    }
}

extension JSON {
    /// A number as text, without a fraction that is zero.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension String {
    /// Without white space at either end.
    var trimmed: String {
        guard let first = utf8.first, let last = utf8.last, first <= 0x20 || last <= 0x20 else { return self }
        let start = utf8.firstIndex { $0 > 0x20 } ?? endIndex
        let end = utf8.lastIndex { $0 > 0x20 }.map { utf8.index(after: $0) } ?? start
        return String(self[start..<end])
    }
}
