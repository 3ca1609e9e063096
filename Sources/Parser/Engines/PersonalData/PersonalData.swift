/// Masking of personal data.
public enum PersonalData {
    /// A copy of the text in which each span is replaced by its kind: `<email>`.
    ///
    /// Spans that overlap an earlier one, or lie outside the text, are left out.
    public static func mask(_ text: [UInt8], spans: [PersonalDataSpan]) -> [UInt8] {
        var masked: [UInt8] = []
        masked.reserveCapacity(text.count)
        var copied = 0
        for span in spans.sorted(by: { $0.range.lowerBound < $1.range.lowerBound })
        where span.range.lowerBound >= copied && span.range.upperBound <= text.count {
            masked.append(contentsOf: text[copied..<span.range.lowerBound])
            masked.append(UInt8(ascii: "<"))
            masked.append(contentsOf: span.kind.rawValue.utf8)
            masked.append(UInt8(ascii: ">"))
            copied = span.range.upperBound
        }
        masked.append(contentsOf: text[copied...])
        return masked
    }
}
