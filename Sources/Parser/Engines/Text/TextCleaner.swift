/// Brings marked-up text to clean text, in linear time, whatever the input.
///
/// Quotations of other people and code blocks are set apart; links keep their text; entities are decoded; the alt
/// text of emoji is kept, other images are left out. Markup that is broken stays as text rather than swallow what
/// follows it.
public enum TextCleaner {
    /// Cleans a text; bytes that are not UTF-8 become U+FFFD.
    public static func clean(_ source: [UInt8], format: TextFormat) -> CleanText {
        source.withUnsafeBufferPointer { bytes in
            switch format {
            case .plain: PlainReader.read(bytes)
            case .html: HTMLReader.read(bytes)
            case .markdown: MarkdownReader.read(bytes)
            case .bbcode: BBCodeReader.read(bytes)
            }
        }
    }
}
