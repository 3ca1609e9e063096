import Common

/// A line of jobs that are alike but for their age: of one kind, workspace, priority and provider.
struct Lane: Sendable, Hashable {
    let kind: String
    let workspace: String
    let priority: Int
    let provider: String?
    /// Sorted as text, the urgent ones of a kind and workspace come first.
    let text: String

    init(kind: String, workspace: WorkspaceID?, priority: Int, provider: String? = nil) {
        self.kind = kind
        self.workspace = workspace?.rawValue ?? "-"
        self.priority = priority
        self.provider = provider
        text = "\(kind) \(self.workspace) \(9 - priority)" + (provider.map { " \($0)" } ?? "")
    }

    /// Reads what ``text`` says; nil if it is none.
    init?(_ text: String) {
        var text = text
        let parts: (kind: String, workspace: String, digit: UInt8, provider: String?)? = text.withUTF8 { bytes in
            func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
            let blank = UInt8(ascii: " ")
            guard let first = bytes.firstIndex(of: blank),
                let second = bytes[(first + 1)...].firstIndex(of: blank), second + 1 < bytes.count
            else { return nil }
            let end = second + 2
            guard end == bytes.count || bytes[end] == blank else { return nil }
            return (
                part(0..<first), part(first + 1..<second), bytes[second + 1] &- UInt8(ascii: "0"),
                end < bytes.count ? part(end + 1..<bytes.count) : nil
            )
        }
        guard let parts, parts.digit <= 9 else { return nil }
        self.text = text
        (kind, workspace, provider) = (parts.kind, parts.workspace, parts.provider)
        priority = 9 - Int(parts.digit)
    }

    // The text says all.
    static func == (left: Lane, right: Lane) -> Bool { left.text == right.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
