import Foundation

/// What a copy came to, beside its source.
protocol CopySummary: Encodable {
    /// Whether the copy has all that the source has.
    var isEqual: Bool { get }
}

extension CopySummary {
    /// All of it, and whether the copy is `equal`, for programs.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var object = try JSONSerialization.jsonObject(with: encoder.encode(self)) as? [String: Any] ?? [:]
        object["equal"] = isEqual
        return String(
            decoding: try JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }
}
