public import Common

/// One versioned analysis step. Pure: no I/O, no state that a call changes, any thread.
public protocol Engine: Sendable {
    /// `sentiment-linear`.
    var name: String { get }
    var version: Int { get }
    /// What must have been annotated before.
    var requires: Set<AnnotationKind> { get }
    var produces: AnnotationKind { get }

    /// Annotates a batch of texts in place.
    func annotate(_ texts: inout [AnnotatedText])
}

extension Engine {
    /// `name@version`, as annotations carry it.
    public var identity: String { "\(name)@\(version)" }
}

/// What engines say.
public enum AnnotationKind: String, Sendable, CaseIterable { case language, sentiment, intent, topics, personalData }

/// A clean text with what engines said about it so far.
public struct AnnotatedText: Sendable {
    /// UTF-8, clean (no markup, no quotations, no code); title first, where there is one.
    public var text: [UInt8]
    /// The rating on a scale from 0 to 1, where the provider gives one.
    public var rating: Double?
    /// What the provider says about the language, as a BCP 47 tag.
    public var declaredLanguage: String?

    public var language: String = "und"
    public var languageConfidence: Float = 0
    public var sentiment: Sentiment = .neutral
    /// −10 to 10; its sign agrees with ``sentiment``.
    public var sentimentScore: Double = 0
    public var sentimentConfidence: Float = 0
    public var intent: Intent = .other
    public var intentConfidence: Float = 0
    public var topics: [String] = []
    public var personalData: [PersonalDataSpan] = []

    public init(text: [UInt8], rating: Double? = nil, declaredLanguage: String? = nil) {
        self.text = text
        self.rating = rating
        self.declaredLanguage = declaredLanguage
    }
}

/// Where personal data lies in a text.
public struct PersonalDataSpan: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable { case email, phone, ip, card, iban }
    public var kind: Kind
    /// Byte offsets.
    public var range: Range<Int>
    public init(kind: Kind, range: Range<Int>) {
        self.kind = kind
        self.range = range
    }
}
