extension FileStorage {
    /// A whole file from a place on, piece by piece: memory holds one piece.
    ///
    /// - Parameter piece: Bytes that are read at once.
    public func stream(_ info: FileInfo, from offset: Int = 0, piece: Int = 1 << 20) -> FilePieces {
        FilePieces(storage: self, info: info, offset: offset, piece: max(1, piece))
    }

    /// A whole small file.
    ///
    /// - Throws: ``FileStorageError/refused(_:)`` if it has more bytes than `limit`.
    public func contents(_ key: FileKey, limit: Int) async throws(FileStorageError) -> [UInt8] {
        let bytes = try await read(key, from: 0, limit: limit + 1)
        guard bytes.count <= limit else { throw .refused("\(key) has more than \(limit) bytes") }
        return bytes
    }

    @discardableResult
    public func put(_ bytes: [UInt8], as key: FileKey, contentType: String) async throws(FileStorageError) -> FileInfo {
        let upload = try await begin(key, contentType: contentType)
        do {
            try await upload.write(bytes)
            return try await upload.finish()
        } catch {
            await upload.abandon()
            throw error
        }
    }

    /// Bytes that the files of a folder have together.
    public func size(of folder: FileFolder) async throws(FileStorageError) -> Int {
        var size = 0
        var last: String?
        while true {
            let files = try await list(folder, after: last, limit: 1000)
            size += files.reduce(0) { $0 + $1.size }
            guard files.count == 1000 else { return size }
            last = files.last?.key.path
        }
    }
}

/// The bytes of a file, a piece at a time.
public struct FilePieces: AsyncSequence, Sendable {
    public typealias Failure = FileStorageError
    let storage: any FileStorage
    let info: FileInfo
    let offset: Int
    let piece: Int

    public func makeAsyncIterator() -> Iterator { Iterator(pieces: self, offset: offset) }

    public struct Iterator: AsyncIteratorProtocol {
        let pieces: FilePieces
        var offset: Int

        /// - Throws: ``FileStorageError/damaged(_:)`` if the file ends before it should.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(FileStorageError) -> [UInt8]? {
            let left = pieces.info.size - offset
            guard left > 0 else { return nil }
            let bytes = try await pieces.storage.read(
                pieces.info.key, from: offset, limit: Swift.min(left, pieces.piece))
            guard !bytes.isEmpty else {
                throw .damaged("\(pieces.info.key) ends at byte \(offset), and should have \(pieces.info.size)")
            }
            offset += bytes.count
            return bytes
        }

        public mutating func next() async throws(FileStorageError) -> [UInt8]? { try await next(isolation: nil) }
    }
}
