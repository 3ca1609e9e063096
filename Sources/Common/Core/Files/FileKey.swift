/// Names one file: a workspace, and a path in it such as `reports/job_…/1.csv`. It cannot lead out of its workspace.
public struct FileKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let workspace: WorkspaceID
    public let path: String

    /// - Parameter path: Names joined by `/`, each of letters, digits and `. _ -` of ASCII, up to 200 of them, none with a
    ///   dot in front; 500 bytes in all.
    /// - Returns: nil if the path is none.
    public init?(_ workspace: WorkspaceID, _ path: String) {
        guard FilePath.isValid(path) else { return nil }
        self.workspace = workspace
        self.path = path
    }

    public var description: String { "\(workspace)/\(path)" }

    public static func < (left: FileKey, right: FileKey) -> Bool {
        (left.workspace.rawValue, left.path) < (right.workspace.rawValue, right.path)
    }
}

/// Part of a workspace's files: all of them, or those of one folder and of the folders in it.
public struct FileFolder: Sendable, Hashable, CustomStringConvertible {
    public let workspace: WorkspaceID
    /// Without a `/` around it; empty is all of the workspace.
    public let path: String

    /// All files of a workspace.
    public init(_ workspace: WorkspaceID) {
        self.workspace = workspace
        path = ""
    }

    /// - Returns: nil if the path is none; see ``FileKey/init(_:_:)``.
    public init?(_ workspace: WorkspaceID, _ path: String) {
        guard FilePath.isValid(path) else { return nil }
        self.workspace = workspace
        self.path = path
    }

    /// Whether the file is in this folder, at whatever depth.
    public func contains(_ key: FileKey) -> Bool {
        key.workspace == workspace && (path.isEmpty || key.path.hasPrefix(path + "/"))
    }

    public var description: String { path.isEmpty ? "\(workspace)/" : "\(workspace)/\(path)/" }
}

enum FilePath {
    static func isValid(_ path: String) -> Bool {
        guard path.utf8.count <= 500 else { return false }
        return path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { name in
            !name.isEmpty && name.count <= 200 && name.first != UInt8(ascii: ".")
                && name.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                    default: byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
                    }
                }
        }
    }
}
