import Crypto

/// A typed identifier: a prefix that says of what, and 26 characters of base 32.
///
/// New ones begin with the time (as UUID version 7 does), so they sort by age; those that one process makes in one
/// millisecond sort as they were made. A text with another prefix or other characters is refused when it is parsed.
public struct Identifier<Kind: IdentifierKind>: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: String

    /// Parses an identifier; nil if it is not one of this kind.
    public init?(_ text: String) {
        var text = text
        var prefix = Kind.prefix
        let isOne = text.withUTF8 { text in prefix.withUTF8 { Self.isOne(text, prefix: $0) } }
        guard isOne else { return nil }
        rawValue = text
    }

    /// Parses an identifier; nil if it is not one of this kind.
    public init?(_ text: Substring) { self.init(String(text)) }

    private static func isOne(_ text: UnsafeBufferPointer<UInt8>, prefix: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count <= 64, text.count > prefix.count else { return false }
        for at in 0..<prefix.count where text[at] != prefix[at] { return false }
        for at in prefix.count..<text.count {
            let character = text[at]
            guard (character >= 0x30 && character <= 0x39) || (character >= 0x61 && character <= 0x7A) else {
                return false
            }
        }
        return true
    }

    /// Makes a new identifier at this time.
    public static func make(at now: Timestamp = .now) -> Identifier {
        let tail = IdentifierTail.next()
        let value = UInt128(UInt64(bitPattern: now.milliseconds)) << 80 | tail
        return Identifier(bytes: (0..<16).map { UInt8(truncatingIfNeeded: value >> (120 - 8 * UInt128($0))) })
    }

    /// Derives an identifier from 16 bytes, always the same from the same bytes.
    public init(digest: some Sequence<UInt8>) { self.init(bytes: Array(digest)) }

    private init(bytes: [UInt8]) { rawValue = Kind.prefix + Base32.encode(bytes: bytes) }

    public var description: String { rawValue }
    public static func < (left: Identifier, right: Identifier) -> Bool { left.rawValue < right.rawValue }
}

extension Identifier: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Identifier(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not an identifier \(Kind.prefix)…: \(text)"))
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// What an identifier is of.
public protocol IdentifierKind: Sendable { static var prefix: String { get } }

public enum AccountKind: IdentifierKind { public static let prefix = "ac_" }
public enum WorkspaceKind: IdentifierKind { public static let prefix = "ws_" }
public enum ConnectionKind: IdentifierKind { public static let prefix = "cn_" }
public enum StreamKind: IdentifierKind { public static let prefix = "st_" }
public enum FeedbackKind: IdentifierKind { public static let prefix = "fb_" }
public enum TokenKind: IdentifierKind { public static let prefix = "tk_" }
public enum DeadLetterKind: IdentifierKind { public static let prefix = "dl_" }
public enum JobKind: IdentifierKind { public static let prefix = "job_" }
public enum ChannelKind: IdentifierKind { public static let prefix = "ch_" }
public enum NoticeKind: IdentifierKind { public static let prefix = "nt_" }
public enum ScheduleKind: IdentifierKind { public static let prefix = "sc_" }
public enum AlertRuleKind: IdentifierKind { public static let prefix = "ar_" }
public enum AlertKind: IdentifierKind { public static let prefix = "al_" }
public enum ImportKind: IdentifierKind { public static let prefix = "im_" }

public typealias AccountID = Identifier<AccountKind>
public typealias WorkspaceID = Identifier<WorkspaceKind>
public typealias ConnectionID = Identifier<ConnectionKind>
public typealias StreamID = Identifier<StreamKind>
/// The `unique_identifier` of a piece of feedback.
public typealias FeedbackID = Identifier<FeedbackKind>
public typealias TokenID = Identifier<TokenKind>
public typealias DeadLetterID = Identifier<DeadLetterKind>
public typealias JobID = Identifier<JobKind>
/// A place outside that notices go to: a webhook, a chat.
public typealias ChannelID = Identifier<ChannelKind>
public typealias NoticeID = Identifier<NoticeKind>
public typealias ScheduleID = Identifier<ScheduleKind>
public typealias AlertRuleID = Identifier<AlertRuleKind>
public typealias AlertID = Identifier<AlertKind>
public typealias ImportID = Identifier<ImportKind>

extension FeedbackID {
    /// The one identity of a provider's item in a workspace, whichever way and however often it arrives.
    ///
    /// - Parameters:
    ///   - connector: The kind of provider, without version: `discourse`.
    ///   - instance: Which installation or account of the provider: a host, `owner/repository`, an app's id.
    ///   - externalID: The provider's own id of the item.
    public static func derive(workspace: WorkspaceID, connector: String, instance: String, externalID: String)
        -> FeedbackID
    {
        var hash = SHA256()
        for part in [workspace.rawValue, connector, instance, externalID] {
            var part = part
            part.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
            hash.update(data: [0])
        }
        return FeedbackID(Digest128(hash.finalize()))
    }
}

/// Lower-case base 32 by Crockford's alphabet, without padding.
public enum Base32 {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    /// The value of each character, 255 where it is none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    /// The 16 bytes that 26 characters stand for; nil if they are anything else.
    static func decode(_ text: UnsafeBufferPointer<UInt8>) -> Digest128? {
        guard text.count == 26 else { return nil }
        var digest: UInt128 = 0
        for character in text.dropLast() {
            let value = values[Int(character)]
            guard value < 32 else { return nil }
            digest = digest << 5 | UInt128(value)
        }
        // The last character holds three bits and two that are zero.
        let last = values[Int(text[25])]
        guard last < 32, last & 3 == 0 else { return nil }
        digest = digest << 3 | UInt128(last >> 2)
        return Digest128(high: UInt64(digest >> 64), low: UInt64(truncatingIfNeeded: digest))
    }

    public static func encode(_ bytes: some Sequence<UInt8>) -> String { encode(bytes: Array(bytes)) }

    static func encode(bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 8 + 4) / 5)
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[Int(buffer >> bits & 31)])
            }
        }
        if bits > 0 { text.append(alphabet[Int(buffer << (5 - bits) & 31)]) }
        return String(decoding: text, as: UTF8.self)
    }
}
