import struct Foundation.Data

/// Base 64 of RFC 4648, with padding.
enum Base64 {
    static func encode(_ bytes: some Collection<UInt8>) -> String { Data(bytes).base64EncodedString() }
}
