import ServiceKit

/// How often a stream is polled: `{"every":"15m"}`, or `{"every":"never"}`.
struct Schedule: Sendable, Hashable {
    /// nil is never.
    var seconds: Int?

    /// Reads a schedule; nil if it is wrong, which `body` then says.
    init?(_ body: BodyObject, minimum: Int) {
        guard let text = body.string("every", length: 1...20, required: true) else { return nil }
        if text == "never" { return }
        guard let seconds = Self.seconds(text) else {
            body.refuse("every", "must be a number and a unit (s, m, h, d), such as 15m, or never")
            return nil
        }
        guard (minimum...30 * 86_400).contains(seconds) else {
            body.refuse("every", "must be from \(minimum)s to 30d")
            return nil
        }
        self.seconds = seconds
    }

    static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), text.utf8.count <= 8, let number = Int(text.dropLast()),
            number > 0
        else { return nil }
        return number * unit
    }

    /// The shortest text that says the same.
    static func text(_ seconds: Int?) -> String {
        guard let seconds else { return "never" }
        for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60)] where seconds.isMultiple(of: length) {
            return "\(seconds / length)\(unit)"
        }
        return "\(seconds)s"
    }
}
