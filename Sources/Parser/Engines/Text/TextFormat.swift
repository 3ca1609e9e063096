/// How a provider marks up the texts it sends.
public enum TextFormat: String, Sendable, CaseIterable {
    case plain, html, markdown, bbcode
}
