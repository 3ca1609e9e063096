public import Foundation

/// Reads manifests from YAML; a wrong one is refused and the rest load.
public enum ManifestLoader {
    /// A manifest has no need to be larger.
    static let maximumBytes = 256 << 10

    /// What a folder held.
    public struct Outcome: Sendable {
        public var manifests: [Manifest] = []
        public var problems: [ManifestProblem] = []
    }

    /// Reads every `*.yaml` and `*.yml` in a folder, in the order of their names.
    public static func load(folder: URL) -> Outcome {
        var outcome = Outcome()
        let files: [URL]
        do {
            files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        } catch {
            outcome.problems.append(ManifestProblem(file: folder.path, reason: "the folder cannot be read"))
            return outcome
        }
        let manifests = files.filter { ["yaml", "yml"].contains($0.pathExtension.lowercased()) }
        for file in manifests.sorted(by: { $0.lastPathComponent < $1.lastPathComponent }) {
            do throws(ManifestRefusal) {
                let manifest = try load(file: file)
                if outcome.manifests.contains(where: { $0.name == manifest.name }) {
                    let reason = "another file in the folder is the connector `\(manifest.name)` already"
                    throw ManifestRefusal(problems: [ManifestProblem(file: file.path, reason: reason)])
                }
                outcome.manifests.append(manifest)
            } catch {
                outcome.problems += error.problems
            }
        }
        return outcome
    }

    /// Reads one file.
    public static func load(file: URL) throws(ManifestRefusal) -> Manifest {
        guard let data = try? Data(contentsOf: file) else {
            throw ManifestRefusal(problems: [ManifestProblem(file: file.path, reason: "the file cannot be read")])
        }
        guard let text = String(bytes: data, encoding: .utf8) else {
            throw ManifestRefusal(problems: [ManifestProblem(file: file.path, reason: "the file is not UTF-8")])
        }
        return try load(yaml: text, file: file.path)
    }

    /// Reads a manifest's text; `file` names it in problems.
    public static func load(yaml: String, file: String) throws(ManifestRefusal) -> Manifest {
        try load(yaml: yaml, file: file, shapes: SharedShapes.all)
    }

    static func load(
        yaml: String, file: String, shapes: [String: Normalisation.Shape]
    ) throws(ManifestRefusal) -> Manifest {
        guard yaml.utf8.count <= maximumBytes else {
            let reason = "larger than \(maximumBytes) bytes"
            throw ManifestRefusal(problems: [ManifestProblem(file: file, reason: reason)])
        }
        var reader = NodeReader()
        var manifest: Manifest?
        do throws(NodeProblem) {
            manifest = reader.manifest(try YAMLSource.read(yaml), shapes: shapes)
        } catch {
            throw ManifestRefusal(problems: [ManifestProblem(error, file: file)])
        }
        guard let manifest, reader.problems.isEmpty else {
            throw ManifestRefusal(problems: reader.problems.map { ManifestProblem($0, file: file) })
        }
        let unknown = manifest.spec.unknownSettings(among: reader.settings)
        guard unknown.isEmpty else {
            throw ManifestRefusal(problems: unknown.map { ManifestProblem($0, file: file) })
        }
        return manifest
    }
}

/// All that is wrong with one manifest.
public struct ManifestRefusal: Error, Sendable, CustomStringConvertible {
    /// One at least.
    public let problems: [ManifestProblem]
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension ManifestProblem {
    init(_ problem: NodeProblem, file: String) {
        self.init(file: file, line: problem.line, column: problem.column, reason: problem.reason)
    }
}

extension Specification {
    /// The settings that a manifest names and its specification lacks.
    fileprivate func unknownSettings(among named: [(path: Path, line: Int, column: Int)]) -> [NodeProblem] {
        named.compactMap { path, line, column in
            let isConnection = path.origin == .config
            let fields = (isConnection ? connection : stream).map(\.name)
            guard case .member(let name) = path.relative.first, !fields.contains(name) else { return nil }
            let layer = isConnection ? "connection" : "stream"
            let hint =
                Suggestion.nearest(to: name, in: fields).map { "did you mean `\(path.origin.rawValue).\($0)`?" }
                ?? "add it to spec.\(layer)"
            return NodeProblem(line: line, column: column, reason: "`\(path)` is no field of spec.\(layer); \(hint)")
        }
    }
}
