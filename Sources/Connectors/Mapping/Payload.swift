public import ByteJSON

/// A payload as a JSON document, whatever it came as.
public enum Payload {
    /// Reads a payload: a form's fields become an object of texts, everything else is JSON.
    ///
    /// - Parameters:
    ///   - contentType: As the sender gave it, parameters included.
    ///   - formField: The field of a form that holds the payload as JSON.
    public static func document(
        _ bytes: some Collection<UInt8>, contentType: String? = nil, formField: String? = nil
    ) throws(JSONError) -> JSONDocument {
        guard let contentType, isForm(contentType.utf8) else {
            return try JSONDocument(parsing: Array(bytes))
        }
        let fields = form(Array(bytes))
        if let formField, let json = fields.first(where: { $0.name == formField }) {
            return try JSONDocument(parsing: json.value)
        }
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in fields { writer.member(name, value) }
        writer.endObject()
        return try JSONDocument(parsing: writer.bytes)
    }

    /// Whether a content type, parameters included, is that of a form.
    static func isForm(_ contentType: some Collection<UInt8>) -> Bool {
        let form = "application/x-www-form-urlencoded".utf8
        return contentType.count >= form.count
            && zip(contentType, form).allSatisfy { $0 &- 0x41 < 26 ? $0 | 0x20 == $1 : $0 == $1 }
    }

    /// The fields of a form in their order, after the URL standard's `application/x-www-form-urlencoded` parser.
    public static func form(_ bytes: [UInt8]) -> [(name: String, value: String)] {
        bytes.split(separator: UInt8(ascii: "&")).map { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(parts[0]), parts.count > 1 ? decode(parts[1]) : "")
        }
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var at = bytes.startIndex
        while at < bytes.endIndex {
            switch bytes[at] {
            case UInt8(ascii: "+"): result.append(0x20)
            case UInt8(ascii: "%"):
                if at + 2 < bytes.endIndex, let high = hexDigit(bytes[at + 1]), let low = hexDigit(bytes[at + 2]) {
                    result.append(high << 4 | low)
                    at += 2
                } else {
                    result.append(bytes[at])
                }
            default: result.append(bytes[at])
            }
            at += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
