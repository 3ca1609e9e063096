public import Common

/// Whom a notice goes to: an address of e-mail, or a channel of the workspace by its id.
public enum Recipient: Sendable, Hashable {
    case address(String)
    case channel(ChannelID)

    /// Reads `ann@example.org` or `ch_…`; nil if it is neither.
    public init?(_ text: String) {
        if let channel = ChannelID(text) {
            self = .channel(channel)
            return
        }
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count == 2, (1...64).contains(halves[0].utf8.count), (1...190).contains(halves[1].utf8.count),
            halves[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !Self.special.contains($0) }),
            halves[1].utf8.allSatisfy(Self.isOfAHost), halves[1].first != ".", halves[1].last != "."
        else { return nil }
        self = .address(halves[0] + "@" + halves[1].lowercased())
    }

    public var text: String {
        switch self {
        case .address(let address): address
        case .channel(let id): id.rawValue
        }
    }

    /// What has a meaning in a header or a command of SMTP.
    private static let special = Set("\"(),:;<>[\\]".utf8)

    private static func isOfAHost(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E: true
        default: false
        }
    }
}
