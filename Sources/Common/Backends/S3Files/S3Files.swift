public import Common
import Foundation

/// Files in a bucket of a service that speaks S3.
///
/// `<prefix><workspace>/<path>` are the files. The SHA-256 of a file that came in one piece is in its metadata; a larger one
/// has it in `<prefix>.sums/<workspace>/<path>/<upload>`, where it is before the parts are joined: its metadata were
/// written before it was known. Both are of one upload, so a file and its sum never belong to different ones.
///
/// Of an upload that was resumed the service's parts cannot be read again: its sum is added up from the file when the parts
/// are joined, and until then ``info(_:)`` does not know the file.
public struct S3Files: FileStorage {
    let settings: S3Settings
    let client: S3Client

    /// - Parameter transport: May connect to wherever the service is.
    public init(
        _ settings: S3Settings, transport: any HTTPTransport, now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.settings = settings
        client = S3Client(settings: settings, transport: transport, now: now)
    }

    public var place: String { settings.place }

    func object(_ key: FileKey) -> String { "\(settings.prefix)\(key.workspace)/\(key.path)" }
    private func object(_ folder: FileFolder) -> String { settings.prefix + folder.description }
    func sumObject(_ key: FileKey, _ upload: String) -> String {
        "\(settings.prefix).sums/\(key.workspace)/\(key.path)/\(upload)"
    }

    static let sumHeader = "x-amz-meta-sha256"
    static let uploadHeader = "x-amz-meta-upload"

    // MARK: - Writing

    public func begin(_ key: FileKey, contentType: String) async throws(FileStorageError) -> any FileUpload {
        let own = Base32.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
        let answer = try await client.send(
            "POST", object(key), query: [("uploads", "")],
            headers: [
                ("Content-Type", contentType), (Self.uploadHeader, own), ("x-amz-checksum-algorithm", "SHA256"),
            ])
        guard let upload = Element.parse(answer.body)?["UploadId"]?.text, !upload.isEmpty else {
            throw .unavailable("\(place) began no upload: \(String(decoding: answer.body.prefix(200), as: UTF8.self))")
        }
        return S3Upload(UploadName(own: own, upload: upload), key, contentType: contentType, parts: [], of: self)
    }

    public func resume(_ id: String, of key: FileKey) async throws(FileStorageError) -> any FileUpload {
        let missing = FileStorageError.notFound("no upload \(id.prefix(60)) of \(key) is open; begin again")
        guard let name = UploadName(id, of: key) else { throw missing }
        let parts: [Element]
        do {
            parts = try await self.parts(object(key), name.upload)
        } catch .notFound {
            throw missing
        }
        var kept: [S3Upload.Part] = []
        for part in parts {
            guard let number = part["PartNumber"].flatMap({ Int($0.text) }), number == kept.count + 1,
                let size = part["Size"].flatMap({ Int($0.text) }), let tag = part["ETag"]?.text
            else { break }
            kept.append(S3Upload.Part(tag: tag, sum: part["ChecksumSHA256"]?.text, size: size))
        }
        return S3Upload(name, key, contentType: nil, parts: kept, of: self)
    }

    private func parts(_ object: String, _ upload: String) async throws(FileStorageError) -> [Element] {
        var found: [Element] = []
        var marker = "0"
        while true {
            let answer = try await client.send(
                "GET", object, query: [("uploadId", upload), ("part-number-marker", marker), ("max-parts", "1000")])
            guard let list = Element.parse(answer.body) else { throw unreadable(answer) }
            let parts = list.all("Part")
            found += parts
            guard list["IsTruncated"]?.text == "true", let last = parts.last?["PartNumber"]?.text else { return found }
            marker = last
        }
    }

    public func put(_ bytes: [UInt8], as key: FileKey, contentType: String) async throws(FileStorageError) -> FileInfo {
        guard bytes.count <= settings.partBytes else {
            let upload = try await begin(key, contentType: contentType)
            do throws(FileStorageError) {
                try await upload.write(bytes)
                return try await upload.finish()
            } catch {
                await upload.abandon()
                throw error
            }
        }
        let sum = FileSum.of(bytes)
        _ = try await client.send(
            "PUT", object(key),
            headers: [
                ("Content-Type", contentType), (Self.sumHeader, sum), ("x-amz-checksum-sha256", Self.base64(sum)),
            ], body: bytes)
        return FileInfo(key: key, size: bytes.count, sha256: sum, contentType: contentType, modified: client.now())
    }

    /// What the service calls a checksum, of one in hexadecimal.
    static func base64(_ sum: String) -> String {
        var bytes: [UInt8] = []
        var rest = sum[...]
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return Data(bytes).base64EncodedString()
    }

    public func abandonUploads(before time: Timestamp) async throws(FileStorageError) -> Int {
        var count = 0
        for (object, upload, begun) in try await uploads(settings.prefix) where begun < time {
            let touched: Timestamp?
            do throws(FileStorageError) {
                touched = try await parts(object, upload).compactMap {
                    $0["LastModified"].flatMap { Timestamp($0.text) }
                }
                .max()
            } catch .notFound {
                continue
            }
            if let touched, touched >= time { continue }
            try await abort(object, upload)
            count += 1
        }
        return count
    }

    func abort(_ object: String, _ upload: String) async throws(FileStorageError) {
        _ = try await client.send("DELETE", object, query: [("uploadId", upload)], accepting: [404])
    }

    /// Uploads of objects that begin with a text.
    private func uploads(_ prefix: String) async throws(FileStorageError) -> [(String, String, Timestamp)] {
        var found: [(String, String, Timestamp)] = []
        var markers: [(name: String, value: String)] = []
        while true {
            let answer = try await client.send(
                "GET", nil,
                query: [("uploads", "")] + (prefix.isEmpty ? [] : [(name: "prefix", value: prefix)]) + markers)
            guard let list = Element.parse(answer.body) else { throw unreadable(answer) }
            for upload in list.all("Upload") {
                guard let object = upload["Key"]?.text, let id = upload["UploadId"]?.text, object.hasPrefix(prefix)
                else { continue }
                found.append((object, id, upload["Initiated"].flatMap { Timestamp($0.text) } ?? client.now()))
            }
            guard list["IsTruncated"]?.text == "true", let key = list["NextKeyMarker"]?.text, !key.isEmpty else {
                return found
            }
            markers = [("key-marker", key), ("upload-id-marker", list["NextUploadIdMarker"]?.text ?? "")]
        }
    }

    // MARK: - Reading

    public func info(_ key: FileKey) async throws(FileStorageError) -> FileInfo? {
        let answer = try await client.send("HEAD", object(key), accepting: [404])
        guard answer.status != 404 else { return nil }
        var sum = answer[Self.sumHeader]
        if sum == nil, let upload = answer[Self.uploadHeader] { sum = try await self.sum(key, upload) }
        guard let sum, let size = answer["Content-Length"].flatMap({ Int($0) }) else { return nil }
        return FileInfo(
            key: key, size: size, sha256: sum, contentType: answer["Content-Type"] ?? "application/octet-stream",
            modified: answer["Last-Modified"].flatMap(Self.time) ?? client.now())
    }

    private func sum(_ key: FileKey, _ upload: String) async throws(FileStorageError) -> String? {
        let answer = try await client.send("GET", sumObject(key, upload), accepting: [404])
        return answer.status == 404 ? nil : String(decoding: answer.body, as: UTF8.self)
    }

    /// `Wed, 21 Oct 2015 07:28:00 GMT`
    private static func time(_ text: String) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, let month = months.firstIndex(of: String(parts[2])), parts[1].count == 2 else {
            return nil
        }
        return Timestamp("\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(parts[1])T\(parts[4])Z")
    }

    public func read(_ key: FileKey, from offset: Int, limit: Int) async throws(FileStorageError) -> [UInt8] {
        guard limit > 0 else { return [] }
        let answer = try await client.send(
            "GET", object(key), headers: [("Range", "bytes=\(offset)-\(offset + limit - 1)")], accepting: [416],
            limit: limit + 65_536)
        switch answer.status {
        case 206: return answer.body
        // A service may send an empty or a whole small file where a range was asked for.
        case 200: return Array(answer.body.dropFirst(offset).prefix(limit))
        default: return []
        }
    }

    public func list(_ folder: FileFolder, after path: String?, limit: Int) async throws(FileStorageError)
        -> [FileEntry]
    {
        let start = "\(settings.prefix)\(folder.workspace)/"
        var query = [
            (name: "list-type", value: "2"), ("prefix", object(folder)), ("max-keys", String(min(max(1, limit), 1000))),
        ]
        if let path { query.append(("start-after", start + path)) }
        let answer = try await client.send("GET", nil, query: query)
        guard let list = Element.parse(answer.body) else { throw unreadable(answer) }
        return list.all("Contents").compactMap { entry in
            guard let object = entry["Key"]?.text, object.hasPrefix(start),
                let key = FileKey(folder.workspace, String(object.dropFirst(start.count))),
                let size = entry["Size"].flatMap({ Int($0.text) })
            else { return nil }
            return FileEntry(
                key: key, size: size, modified: entry["LastModified"].flatMap { Timestamp($0.text) } ?? client.now())
        }
    }

    private func unreadable(_ answer: IncomingResponse) -> FileStorageError {
        .unavailable(
            "\(place) answered what is no list of S3: \(String(decoding: answer.body.prefix(200), as: UTF8.self))")
    }

    public func link(_ key: FileKey, for duration: Duration, name: String) async throws(FileStorageError) -> String? {
        let seconds = min(max(1, Int(duration / .seconds(1))), 604_800)
        let plain = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        return client.link(
            object(key), seconds: seconds,
            query: [("response-content-disposition", "attachment; filename=\"\(plain)\"")])
    }

    // MARK: - Removing

    public func delete(_ key: FileKey) async throws(FileStorageError) {
        _ = try await client.send("DELETE", object(key), accepting: [404])
        try await deleteObjects("\(settings.prefix).sums/\(key)/")
    }

    public func deleteAll(in folder: FileFolder) async throws(FileStorageError) {
        for (object, upload, _) in try await uploads(object(folder)) { try await abort(object, upload) }
        try await deleteObjects(object(folder))
        try await deleteObjects("\(settings.prefix).sums/\(folder)")
    }

    private func deleteObjects(_ prefix: String) async throws(FileStorageError) {
        while true {
            let answer = try await client.send("GET", nil, query: [("list-type", "2"), ("prefix", prefix)])
            guard let list = Element.parse(answer.body) else { throw unreadable(answer) }
            for name in list.all("Contents").compactMap({ $0["Key"]?.text }) where name.hasPrefix(prefix) {
                _ = try await client.send("DELETE", name, accepting: [404])
            }
            guard list["IsTruncated"]?.text == "true" else { return }
        }
    }
}

/// What an upload is called: by us, and by the service.
struct UploadName {
    let own: String
    let upload: String

    init(own: String, upload: String) {
        self.own = own
        self.upload = upload
    }

    /// - Returns: nil if it is none of this file's.
    init?(_ id: String, of key: FileKey) {
        let parts = id.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[0].utf8.count == 26, parts[1] == Self.mark(key), !parts[2].isEmpty,
            FileKey(key.workspace, parts[0]) != nil
        else { return nil }
        self.init(own: parts[0], upload: parts[2])
    }

    func id(of key: FileKey) -> String { "\(own).\(Self.mark(key)).\(upload)" }

    private static func mark(_ key: FileKey) -> String { String(FileSum.of(Array(key.description.utf8)).prefix(16)) }
}
