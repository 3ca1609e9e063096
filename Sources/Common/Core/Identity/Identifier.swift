import Crypto

/// A typed identifier: a prefix that says of what, and 26 characters of base 32.
///
/// New ones begin with the time (as UUID version 7 does), so they sort by age. A text with another prefix or
/// other characters is refused when it is parsed.
public struct Identifier<Kind: IdentifierKind>: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: String

    /// Parses an identifier; nil if it is not one of this kind.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 64, text.hasPrefix(Kind.prefix), text.utf8.count > Kind.prefix.utf8.count,
            text.utf8.dropFirst(Kind.prefix.utf8.count).allSatisfy({
                ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A)
            })
        else { return nil }
        rawValue = String(text)
    }

    /// Makes a new identifier at this time.
    public static func make(at now: Timestamp = .now) -> Identifier {
        var bytes = [UInt8](repeating: 0, count: 16)
        let millis = UInt64(bitPattern: now.milliseconds)
        for i in 0..<6 { bytes[i] = UInt8(truncatingIfNeeded: millis >> (40 - 8 * UInt64(i))) }
        for i in 6..<16 { bytes[i] = UInt8.random(in: 0...255) }
        return Identifier(digest: bytes)
    }

    /// Derives an identifier from 16 bytes, always the same from the same bytes.
    public init(digest: some Sequence<UInt8>) { rawValue = Kind.prefix + Base32.encode(digest) }

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

public typealias AccountID = Identifier<AccountKind>
public typealias WorkspaceID = Identifier<WorkspaceKind>
public typealias ConnectionID = Identifier<ConnectionKind>
public typealias StreamID = Identifier<StreamKind>
/// The `unique_identifier` of a piece of feedback.
public typealias FeedbackID = Identifier<FeedbackKind>
public typealias TokenID = Identifier<TokenKind>
public typealias DeadLetterID = Identifier<DeadLetterKind>
public typealias JobID = Identifier<JobKind>

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
            hash.update(data: Array(part.utf8))
            hash.update(data: [0])
        }
        return FeedbackID(digest: hash.finalize().prefix(16))
    }
}

/// Lower-case base 32 by Crockford's alphabet, without padding.
public enum Base32 {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
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
