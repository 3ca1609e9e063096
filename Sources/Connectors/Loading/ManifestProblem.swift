/// Why a manifest was refused: the place, the reason and, in the reason, how to mend it.
public struct ManifestProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file's name or path as it was given to the loader.
    public let file: String
    /// From 1; 0 if the whole file is meant.
    public let line: Int
    public let column: Int
    public let reason: String

    public init(file: String, line: Int = 0, column: Int = 0, reason: String) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
    }

    /// `connectors/x.yaml:12:5: reason`, as editors understand it.
    public var description: String {
        line == 0 ? "\(file): \(reason)" : "\(file):\(line):\(column): \(reason)"
    }
}
