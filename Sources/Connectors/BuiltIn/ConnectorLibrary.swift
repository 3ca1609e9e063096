public import Foundation

/// The connectors that can be used: the built-in ones, and an operator's own, which replace them by name.
public struct ConnectorLibrary: Sendable {
    /// By name.
    public let manifests: [Manifest]
    /// What was refused of the operator's folder.
    public let problems: [ManifestProblem]

    /// Reads the built-in manifests, and those in an operator's folder if there is one.
    public static func load(folder: String? = nil) -> ConnectorLibrary {
        ConnectorLibrary(folder: folder.map { URL(filePath: $0) })
    }

    /// Reads the built-in manifests, and those in a folder if there is one.
    public init(folder: URL? = nil) {
        var byName: [String: Manifest] = [:]
        var problems: [ManifestProblem] = []
        for (path, text) in BuiltInFiles.all where !path.contains("/") {
            do throws(ManifestRefusal) {
                let manifest = try ManifestLoader.load(yaml: text, file: "built in: \(path)")
                byName[manifest.name] = manifest
            } catch {
                problems += error.problems
            }
        }
        if let folder {
            let own = ManifestLoader.load(folder: folder)
            for manifest in own.manifests { byName[manifest.name] = manifest }
            problems += own.problems
        }
        manifests = byName.values.sorted { $0.name < $1.name }
        self.problems = problems
    }

    /// A registry of the library's connectors.
    public var registry: ConnectorRegistry { ConnectorRegistry(manifests) }
}

/// The shapes that several connectors share, `connectors/shapes/*.yaml`.
enum SharedShapes {
    static let all: [String: Normalisation.Shape] = {
        var shapes: [String: Normalisation.Shape] = [:]
        for (path, text) in BuiltInFiles.all where path.hasPrefix("shapes/") {
            var reader = NodeReader()
            if let node = try? YAMLSource.read(text), let shape = reader.shape(node) { shapes[shape.name] = shape }
        }
        return shapes
    }()
}
