import ByteJSON
import Common
import Connectors

/// One response, cut into items.
struct Page: Sendable {
    let document: JSONDocument
    let items: [PageItem]
    /// Where the provider says the next page is: the `Link` header.
    let link: String?
    /// Facts from the page around the items.
    let context: [String: JSON]

    init(_ document: JSONDocument, of source: ReadSource, link: String? = nil, settings: StreamSettings) {
        self.document = document
        self.link = link
        let root = document.root
        let found = Path(source.items).value(in: root)
        let values: [JSONValue] =
            switch found?.kind {
            case .array?: found.map { Array($0.elements) } ?? []
            case .object?: found.map { [$0] } ?? []
            default: []
            }
        items = values.map { PageItem($0, root: root, of: source, settings: settings) }
        let scope = MappingScope(item: root, entity: settings.entity, config: settings.config)
        context = source.context.reduce(into: [:]) { context, member in
            context[member.name] = member.value.evaluate(in: scope)?.json
        }
    }
}

/// One item of a page.
struct PageItem: Sendable {
    let value: JSONValue
    /// The provider's id; nil where the item has none, which is the parser's to judge.
    let externalID: String?
    let instance: String?
    let digest: UInt64
    let position: ReadPosition?
    /// The connector leaves such items out.
    let isSkipped: Bool

    /// What the item is remembered by.
    var id: String { externalID ?? "#" + String(digest, radix: 16) }

    init(_ value: JSONValue, root: JSONValue, of source: ReadSource, settings: StreamSettings) {
        self.value = value
        let scope = MappingScope(item: value, root: root, entity: settings.entity, config: settings.config)
        externalID = source.id.evaluate(in: scope)?.string.flatMap { $0.isEmpty ? nil : $0 }
        instance = source.instance?.evaluate(in: scope)?.string
        position = source.position?.evaluate(in: scope).flatMap(ReadPosition.init)
        isSkipped = source.skip?.holds(in: scope) ?? false
        digest = value.raw.withUnsafeBufferPointer { Fetcher.digest(of: $0) }
    }
}

/// The settings that expressions and templates see.
struct StreamSettings: Sendable {
    /// The connection's, without secrets.
    var config: [String: JSON] = [:]
    /// The stream's.
    var entity: [String: JSON] = [:]
}
