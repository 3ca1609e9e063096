import CBuiltInManifests

/// The files of the folder `connectors` that are part of the binary.
public enum BuiltInFiles {
    /// Path within the folder, and text.
    public static let all: [(path: String, text: String)] = {
        var files: [(path: String, text: String)] = []
        var next = built_in_first_file()
        while let path = next.pointee.path {
            let file = next.pointee
            let bytes = UnsafeBufferPointer(start: file.bytes, count: file.count)
            files.append((String(cString: path), String(decoding: bytes, as: UTF8.self)))
            next = next.successor()
        }
        return files
    }()
}
