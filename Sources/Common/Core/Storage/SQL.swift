/// A value that is bound to a statement or read from a row.
///
/// Not every database holds a nul in a text: U+001A may come back in its place.
public enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])
}

/// What can stand in an SQL interpolation.
public protocol SQLConvertible { var sqlValue: SQLValue { get } }
extension Int: SQLConvertible { public var sqlValue: SQLValue { .integer(Int64(self)) } }
extension Int64: SQLConvertible { public var sqlValue: SQLValue { .integer(self) } }
extension Bool: SQLConvertible { public var sqlValue: SQLValue { .integer(self ? 1 : 0) } }
extension Double: SQLConvertible { public var sqlValue: SQLValue { .real(self) } }
extension String: SQLConvertible { public var sqlValue: SQLValue { .text(self) } }
extension Array: SQLConvertible where Element == UInt8 { public var sqlValue: SQLValue { .blob(self) } }
extension Timestamp: SQLConvertible { public var sqlValue: SQLValue { .integer(milliseconds) } }
extension Identifier: SQLConvertible { public var sqlValue: SQLValue { .text(rawValue) } }
extension SQLValue: SQLConvertible { public var sqlValue: SQLValue { self } }

/// SQL whose interpolated values become bindings.
///
/// ```swift
/// let statement: SQL = "SELECT name FROM account WHERE id = \(id)"
/// ```
/// Text that is SQL itself goes in with `\(raw: …)`, a list of values with `\(list: …)`.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// The text with `?` where a value goes; a backend rewrites the marks as it needs.
    public private(set) var text: String
    public private(set) var bindings: [SQLValue]

    public init(stringLiteral value: String) {
        text = value
        bindings = []
    }

    public init(raw text: String, bindings: [SQLValue] = []) {
        self.text = text
        self.bindings = bindings
    }

    public init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        bindings = stringInterpolation.bindings
    }

    public static func + (left: SQL, right: SQL) -> SQL {
        SQL(raw: left.text + right.text, bindings: left.bindings + right.bindings)
    }
    public static func += (left: inout SQL, right: SQL) { left = left + right }

    public struct StringInterpolation: StringInterpolationProtocol {
        var text = ""
        var bindings: [SQLValue] = []

        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 2)
        }
        public mutating func appendLiteral(_ literal: String) { text += literal }
        public mutating func appendInterpolation(_ value: some SQLConvertible) {
            text += "?"
            bindings.append(value.sqlValue)
        }
        public mutating func appendInterpolation(_ value: (some SQLConvertible)?) {
            text += "?"
            bindings.append(value?.sqlValue ?? .null)
        }
        /// SQL itself: a name, a fragment. Never a value from outside.
        public mutating func appendInterpolation(raw: String) { text += raw }
        public mutating func appendInterpolation(_ sql: SQL) {
            text += sql.text
            bindings += sql.bindings
        }
        /// `(?, ?, …)`; an empty list becomes `(NULL)`, which matches nothing.
        public mutating func appendInterpolation(list values: some Collection<some SQLConvertible>) {
            text +=
                values.isEmpty ? "(NULL)" : "(" + repeatElement("?", count: values.count).joined(separator: ", ") + ")"
            bindings += values.map(\.sqlValue)
        }
    }
}

/// The few fragments where the databases differ.
public enum Dialect: Sendable {
    case sqlite, postgres

    /// Type of a text column that is compared and sorted by its bytes, as Swift's and SQLite's are.
    public var text: String { self == .sqlite ? "TEXT" : "TEXT COLLATE \"C\"" }
    /// Type of a byte string column.
    public var blob: String { self == .sqlite ? "BLOB" : "BYTEA" }
    /// Type of a 64-bit integer column.
    public var integer: String { self == .sqlite ? "INTEGER" : "BIGINT" }
    /// Type of a 64-bit float column.
    public var real: String { self == .sqlite ? "REAL" : "DOUBLE PRECISION" }
    /// What follows the columns of a table that is stored in the order of its primary key.
    public var clustered: String { self == .sqlite ? "WITHOUT ROWID" : "" }
    /// Locks the rows that a SELECT in a write transaction returns.
    public var forUpdate: String { self == .sqlite ? "" : "FOR UPDATE" }
    /// Locks the rows that a SELECT returns, and leaves out those that are locked.
    public var forUpdateSkippingLocked: String { self == .sqlite ? "" : "FOR UPDATE SKIP LOCKED" }
}
