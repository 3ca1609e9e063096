import ByteJSON
import Yams

/// YAML text as nodes with their places.
enum YAMLSource {
    /// - Throws: ``NodeProblem`` where the text is not YAML, or not one document.
    static func read(_ yaml: String) throws(NodeProblem) -> SourceNode {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw problem(error)
        } catch {
            throw NodeProblem(line: 0, column: 0, reason: "not YAML: \(error)")
        }
        guard let root else { throw NodeProblem(line: 0, column: 0, reason: "the file is empty") }
        return node(root)
    }

    private static func node(_ node: Node) -> SourceNode {
        let line = node.mark?.line ?? 0
        let column = node.mark?.column ?? 0
        switch node {
        case .scalar(let scalar):
            return SourceNode(.scalar(value(of: scalar)), text: scalar.string, line: line, column: column)
        case .sequence(let sequence):
            return SourceNode(.sequence(sequence.map { Self.node($0) }), line: line, column: column)
        case .mapping(let mapping):
            let entries = mapping.map { key, value in
                SourceNode.Entry(
                    key: key.scalar?.string ?? "", line: key.mark?.line ?? line, column: key.mark?.column ?? column,
                    node: Self.node(value))
            }
            return SourceNode(.mapping(entries), line: line, column: column)
        case .alias: return SourceNode(.scalar(.null), line: line, column: column)
        }
    }

    /// The core schema of YAML 1.2: what is quoted is text; `yes` and `on` are.
    private static func value(of scalar: Node.Scalar) -> JSON {
        guard scalar.style == .plain else { return .string(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if let integer = Int64(scalar.string) { return .integer(integer) }
        guard let first = scalar.string.utf8.first, first == 0x2D || first == 0x2E || (0x30...0x39).contains(first),
            let double = Double(scalar.string), double.isFinite
        else { return .string(scalar.string) }
        return .double(double)
    }

    private static func problem(_ error: YamlError) -> NodeProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            NodeProblem(line: mark.line, column: mark.column, reason: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            NodeProblem(
                line: context.mark.line, column: context.mark.column,
                reason: "the same key twice: \(duplicates.joined(separator: ", "))")
        default: NodeProblem(line: 0, column: 0, reason: "not YAML: \(error)")
        }
    }
}
