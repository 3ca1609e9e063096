/// A JSON text (RFC 8259) that was validated once, with an index over its values.
///
/// The bytes are kept as they came; strings are decoded only when asked for. Positions are byte offsets.
/// A text larger than 2 GiB is refused.
public struct JSONDocument: Sendable {
    @usableFromInline let index: JSONIndex

    /// Validates a JSON text and indexes its values.
    ///
    /// - Parameters:
    ///   - bytes: One JSON value in UTF-8, white space around it allowed.
    ///   - maximumDepth: How deep arrays and objects may nest.
    /// - Throws: ``JSONError`` naming the first offending byte.
    public init(parsing bytes: [UInt8], maximumDepth: Int = 128) throws(JSONError) {
        guard bytes.count < Int(Int32.max) else { throw JSONError(.tooLarge, at: bytes.count) }
        index = try JSONIndex(scanning: bytes, maximumDepth: maximumDepth)
    }

    /// Validates the JSON text in `text`.
    public init(parsing text: String, maximumDepth: Int = 128) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// The text, verbatim.
    public var bytes: [UInt8] { index.bytes }

    /// The value that the text holds.
    @inlinable public var root: JSONValue { JSONValue(index: index, position: 0) }
}

/// What a JSON value is.
public enum JSONKind: UInt8, Sendable {
    case null, `false`, `true`, integer, double, string, array, object
}

/// Why a text is not JSON, and at which byte.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The rule that was broken.
    public enum Reason: String, Sendable {
        case unexpectedEnd = "unexpected end"
        case unexpectedByte = "unexpected byte"
        case invalidNumber = "invalid number"
        case invalidEscape = "invalid escape sequence"
        case invalidUTF8 = "invalid UTF-8"
        case controlCharacter = "control character in a string"
        case trailingBytes = "bytes after the value"
        case tooDeep = "nested too deeply"
        case tooLarge = "text too large"
    }
    public let reason: Reason
    /// Byte offset in the text.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "not JSON: \(reason.rawValue) at byte \(offset)" }
}
