import Common

/// The bytes of a file, wherever it is, from any place on.
struct SourceBytes: Sendable {
    let size: Int
    /// So many bytes from a place on; fewer where the file ends.
    let read: @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]

    init(size: Int, read: @escaping @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]) {
        self.size = size
        self.read = read
    }

    /// A file of a storage.
    init(_ info: FileInfo, in storage: any FileStorage) {
        self.init(size: info.size) { offset, count in try await storage.read(info.key, from: offset, limit: count) }
    }
}
