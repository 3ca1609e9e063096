/// A text as its author meant it, with what is not the author's own prose set apart.
public struct CleanText: Sendable, Equatable {
    /// UTF-8 without markup, quotations and code blocks; lines end in `\n`, spaces are folded.
    public var text: [UInt8]
    /// What other people said and the author quoted, clean, in order.
    public var quotes: [[UInt8]]
    /// Code blocks, verbatim, in order.
    public var code: [[UInt8]]

    public init(text: [UInt8], quotes: [[UInt8]] = [], code: [[UInt8]] = []) {
        self.text = text
        self.quotes = quotes
        self.code = code
    }
}
