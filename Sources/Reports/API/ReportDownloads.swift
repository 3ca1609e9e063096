import ByteJSON
import Common
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceKit

/// A report as it is kept.
struct ReportFound: Sendable {
    let job: Job
    /// What is known of its file, if it is there.
    var manifest: JSON?
    /// What the stage came to that wrote the file.
    var made: JSON?
}

/// Hands out the files of reports: their bytes, or where the storage has addresses of its own, one of these.
struct ReportDownloads: Sendable {
    let files: ReportFiles
    /// How long an address of the storage is good for: to be followed, not to be passed on.
    private static let time = Duration.seconds(300)

    func answer(_ report: ReportFound) async throws -> Response {
        let job = report.job
        guard let manifest = report.manifest, let request = try? ReportRequest(job) else {
            throw Problem.conflict(
                "\(job.id) is \(job.state.rawValue)\(job.reason.map { ": \($0)" } ?? ""); its file is there when it is COMPLETED"
            )
        }
        let name = request.fileName(of: job.id)
        let (file, link) = try await find(report, name, request)
        if let link {
            return Response(
                status: .temporaryRedirect, headers: [.location: link, .cacheControl: "private, no-store"])
        }
        var headers: HTTPFields = [
            .contentType: file.contentType, .contentDisposition: "attachment; filename=\"\(name)\"",
            .cacheControl: "private, no-store", .xContentTypeOptions: "nosniff",
        ]
        headers[.eTag] = manifest["sha256"]?.string.map { "\"\($0)\"" }
        let pieces = files.storage.stream(file)
        let body = ResponseBody(contentLength: file.size) { writer in
            for try await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// The file, and its address if it has one.
    private func find(_ report: ReportFound, _ name: String, _ request: ReportRequest) async throws
        -> (FileInfo, link: String?)
    {
        do {
            guard let key = ReportFiles.file(report.made, in: request.workspace),
                let entry = try await files.entry(key)
            else {
                throw Problem(
                    .gone, code: "gone", "the file of \(report.job.id) is not in the storage any more; ask again")
            }
            let file = FileInfo(
                key: key, size: entry.size, sha256: report.manifest?["sha256"]?.string ?? "",
                contentType: request.format.contentType, modified: entry.modified)
            return (file, try await files.storage.link(key, for: Self.time, name: name))
        } catch FileStorageError.unavailable(let reason, let after) {
            throw Problem.unavailable(reason, retryAfter: after.map { max(1, Int($0.components.seconds)) } ?? 5)
        }
    }
}
