import Synchronization

/// The connectors that are loaded, by name. Reloading replaces all at once.
public final class ConnectorRegistry: Sendable {
    private let manifests: Mutex<[String: Manifest]>

    public init(_ manifests: [Manifest]) {
        self.manifests = Mutex(Dictionary(manifests.map { ($0.name, $0) }, uniquingKeysWith: { $1 }))
    }

    /// The connector of this name.
    public subscript(_ name: String) -> Manifest? { manifests.withLock { $0[name] } }

    /// All connectors by name.
    public var all: [Manifest] { manifests.withLock { $0.values.sorted { $0.name < $1.name } } }

    /// Replaces all connectors.
    public func replace(with manifests: [Manifest]) {
        let byName = Dictionary(manifests.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        self.manifests.withLock { $0 = byName }
    }
}
