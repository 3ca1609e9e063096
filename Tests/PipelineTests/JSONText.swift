import ByteJSON

/// A JSON value as a test's message shows it.
struct JSONText: CustomStringConvertible {
    private let value: JSONValue?
    init(_ value: JSONValue?) { self.value = value }
    var description: String { value.map { String(decoding: $0.raw, as: UTF8.self) } ?? "nothing" }
}
