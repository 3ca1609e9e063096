public import ByteJSON
public import Common

/// What fills the holes of a ``Template``.
public struct TemplateValues: Sendable {
    /// The connection's settings, secrets included.
    public var config: [String: JSON]
    /// The stream's settings.
    public var entity: [String: JSON]
    /// By name: `position`, …
    public var cursor: [String: MappedValue]
    /// `window.from` and `window.to`.
    public var window: Range<Timestamp>?
    public var page: Int?
    /// The item that a nested request is for.
    public var item: JSONValue?
    /// The webhook that a request of ``Subscription`` is about, by name: `url`, `secret`, `name`, `stream`, `id`.
    public var hook: [String: JSON]
    public var now: Timestamp

    public init(
        config: [String: JSON] = [:], entity: [String: JSON] = [:], cursor: [String: MappedValue] = [:],
        window: Range<Timestamp>? = nil, page: Int? = nil, item: JSONValue? = nil, hook: [String: JSON] = [:],
        now: Timestamp = .now
    ) {
        self.config = config
        self.entity = entity
        self.cursor = cursor
        self.window = window
        self.page = page
        self.item = item
        self.hook = hook
        self.now = now
    }

    /// The value that a hole names; missing, null and empty are the same.
    func value(at path: Path) -> MappedValue? {
        let found: MappedValue? =
            switch path.steps.first {
            case .member("config"): path.relative.value(in: config).flatMap { MappedValue($0) }
            case .member("entity"): path.relative.value(in: entity).flatMap { MappedValue($0) }
            case .member("hook"): Array(path.steps.dropFirst()).value(in: hook).flatMap { MappedValue($0) }
            case .member("cursor"): cursor[Array(path.steps.dropFirst()).name]
            case .member("window"):
                switch Array(path.steps.dropFirst()).name {
                case "from": window.map { .instant($0.lowerBound) }
                case "to": window.map { .instant($0.upperBound) }
                default: nil
                }
            case .member("page"): page.map { .integer(Int64($0)) }
            case .member("now"): .instant(now)
            case .member("item"): item.flatMap { path.relative.value(in: $0) }.flatMap { MappedValue($0) }
            default: nil
            }
        return found.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The first names that a hole may have.
    static let names: Set<String> = ["config", "entity", "cursor", "window", "page", "now", "item", "hook"]
}

extension [Path.Step] {
    fileprivate var name: String { Path(steps: self).description }
}
