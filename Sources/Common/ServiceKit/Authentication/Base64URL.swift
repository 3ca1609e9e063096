import Foundation

public import struct Foundation.Data

extension Data {
    /// Decodes base 64 in the URL alphabet without padding.
    public init?(base64URL text: some Collection<UInt8>) {
        var standard = text.map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        while !standard.count.isMultiple(of: 4) { standard.append(UInt8(ascii: "=")) }
        self.init(base64Encoded: Data(standard))
    }

    /// The bytes in base 64, in the URL alphabet without padding.
    public var base64URL: String {
        base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
