public import Common

/// E-mail addresses, phone numbers, IP addresses, card numbers and IBANs, by form and check digits.
///
/// Prefers to miss a bare number rather than to take versions, dates or issue numbers for one.
public struct PersonalDataEngine: Engine {
    public let name = "personal-data"
    public let version = 1
    public let requires: Set<AnnotationKind> = []
    public let produces = AnnotationKind.personalData

    public init() {}

    public func annotate(_ texts: inout [AnnotatedText]) {
        for index in texts.indices {
            texts[index].personalData = texts[index].text.withUnsafeBufferPointer { PersonalDataScanner.scan($0) }
        }
    }
}
