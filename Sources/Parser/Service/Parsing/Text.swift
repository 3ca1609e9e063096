import Common
import Connectors
import Engines

/// An item's title and text on their way through cleaning and annotation.
struct Text: Sendable {
    /// Whether engines have anything to say about it.
    let isAnnotated: Bool
    /// Bytes of the title in the annotated text, which begins with it; 0 is none.
    private let titleLength: Int
    private let hasTitle: Bool
    private var annotated: AnnotatedText?

    init(_ read: ReadItem) {
        guard case .item(let item) = read.outcome else {
            self.init(isAnnotated: false, titleLength: 0, hasTitle: false, annotated: nil)
            return
        }
        let clean = TextCleaner.clean(item.textBytes, format: item.textFormat).text
        let title = item.title ?? ""
        let isEmpty = clean.isEmpty && title.isEmpty
        var bytes = Array(title.utf8)
        if !bytes.isEmpty, !clean.isEmpty { bytes.append(0x0A) }
        bytes += clean
        self.init(
            isAnnotated: !isEmpty, titleLength: title.utf8.count, hasTitle: item.title != nil,
            annotated: AnnotatedText(text: bytes, rating: item.normalisedRating, declaredLanguage: item.language))
    }

    private init(isAnnotated: Bool, titleLength: Int, hasTitle: Bool, annotated: AnnotatedText?) {
        self.isAnnotated = isAnnotated
        self.titleLength = titleLength
        self.hasTitle = hasTitle
        self.annotated = annotated
    }

    /// The text for the engines; it is handed over, not copied.
    mutating func takeAnnotated() -> AnnotatedText {
        defer { annotated = nil }
        return annotated ?? AnnotatedText(text: [])
    }

    /// Title and text of what the engines gave back, as the workspace's policy lets them be.
    func parts(of said: AnnotatedText, _ redaction: Redaction) -> (title: String?, text: String) {
        let titleEnd = min(titleLength, said.text.count)
        let textStart = titleEnd > 0 && titleEnd < said.text.count ? titleEnd + 1 : titleEnd
        func part(_ range: Range<Int>) -> String {
            String(decoding: redaction.apply(to: said.text[range], spans: said.personalData), as: UTF8.self)
        }
        return (hasTitle ? part(0..<titleEnd) : nil, part(textStart..<said.text.count))
    }
}

extension MappedItem {
    fileprivate var textFormat: TextFormat {
        switch format {
        case .plain: .plain
        case .html: .html
        case .markdown: .markdown
        case .bbcode: .bbcode
        }
    }

    /// The rating from 0 to 1, where the scale is known.
    fileprivate var normalisedRating: Double? {
        guard let rating, let ratingScale, ratingScale.maximum > ratingScale.minimum else { return nil }
        let share = (rating - ratingScale.minimum) / (ratingScale.maximum - ratingScale.minimum)
        return min(1, max(0, share))
    }
}
