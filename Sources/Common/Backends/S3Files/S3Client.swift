import Common
import Foundation

/// Sends requests to the service, again where that may help.
struct S3Client: Sendable {
    let settings: S3Settings
    let transport: any HTTPTransport
    let now: @Sendable () -> Timestamp

    private var signature: Signature { Signature(credentials: settings.credentials, region: settings.region) }

    /// `host`, as the header has it.
    private var host: String {
        let host = settings.endpoint.split(separator: "/", omittingEmptySubsequences: false)[2]
        return settings.isPathStyle ? String(host) : "\(settings.bucket).\(host)"
    }
    private var scheme: String { settings.endpoint.hasPrefix("http://") ? "http" : "https" }

    private func path(_ object: String?) -> String {
        let name = Signature.encoded(object ?? "", keepingSlash: true)
        return settings.isPathStyle ? "/\(settings.bucket)" + (object == nil ? "" : "/\(name)") : "/\(name)"
    }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - object: Its name; nil is the bucket.
    ///   - accepted: Statuses besides 200 to 299 that are answers.
    ///   - limit: Bytes that the answer may have.
    func send(
        _ method: String, _ object: String?, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], accepting accepted: Set<Int> = [],
        limit: Int = 4 << 20
    ) async throws(FileStorageError) -> IncomingResponse {
        var pause = settings.firstPause
        var attempt = 1
        while true {
            let trouble: FileStorageError
            do throws(FileStorageError) {
                let answer = try await once(method, object, query, headers, body, limit)
                if (200..<300).contains(answer.status), !Self.holdsError(answer) { return answer }
                if accepted.contains(answer.status) { return answer }
                trouble = failure(answer, method, object)
            } catch {
                trouble = error
            }
            guard case .unavailable(_, let asked) = trouble, attempt < settings.attempts else { throw trouble }
            let seconds = max(pause * Double.random(in: 0.5...1), asked.map { $0 / .seconds(1) } ?? 0)
            // Whoever is told to come back later than that does not wait here.
            guard seconds < 5 else { throw trouble }
            do { try await Task.sleep(for: .seconds(seconds)) } catch { throw .cancelled }
            pause *= 2
            attempt += 1
        }
    }

    private func once(
        _ method: String, _ object: String?, _ query: [(name: String, value: String)],
        _ headers: [(name: String, value: String)], _ body: [UInt8], _ limit: Int
    ) async throws(FileStorageError) -> IncomingResponse {
        let path = path(object)
        let signed = signature.sign(
            method, path: path, query: query, headers: headers + [("Host", host)], body: body, at: now())
        var request = OutgoingRequest(
            method, "\(scheme)://\(host)\(path)" + (query.isEmpty ? "" : "?" + Signature.encoded(query)),
            headers: signed.filter { $0.name != "Host" } + [("Accept-Encoding", "identity")], body: body)
        request.limits.connectTimeout = .seconds(min(10, settings.timeout))
        request.limits.totalTimeout = .seconds(settings.timeout)
        request.limits.stallTimeout = .seconds(min(20, settings.timeout))
        request.limits.maximumBodyBytes = limit
        request.limits.maximumRedirects = 0
        do {
            return try await transport.send(request)
        } catch {
            switch error {
            case .cancelled: throw .cancelled
            case _ where error.isTransient: throw .unavailable("\(settings.place) is not available: \(error)")
            default: throw .refused("\(settings.place) cannot be used: \(error)")
            }
        }
    }

    /// Some answers are begun as 200 before it is known that they are none.
    private static func holdsError(_ answer: IncomingResponse) -> Bool {
        answer.status == 200 && answer.body.count < 4096
            && answer["Content-Type"]?.contains("xml") == true && Element.parse(answer.body)?.name == "Error"
    }

    /// What an answer means, by what is to be done.
    private func failure(_ answer: IncomingResponse, _ method: String, _ object: String?) -> FileStorageError {
        let said = Element.parse(answer.body)
        let code = said?["Code"]?.text ?? ""
        let message = said?["Message"]?.text.prefix(200) ?? ""
        let what = [code, String(message)].filter { !$0.isEmpty }.joined(separator: ": ")
        let reason =
            "\(settings.place) answered \(answer.status)\(what.isEmpty ? "" : " \(what)") to \(method) \(object ?? "the bucket")"
        let after = answer["Retry-After"].flatMap { Double($0) }.map { Duration.seconds(min(max(0, $0), 3600)) }
        switch (answer.status, code) {
        case (_, "NoSuchBucket"): return .refused("\(reason); make the bucket, or mend EARSHOT_FILES")
        case (_, "RequestTimeTooSkewed"): return .refused("\(reason); set this machine's clock")
        case (_, "EntityTooLarge"), (_, "QuotaExceeded"), (_, "XMinioStorageFull"), (507, _): return .full(reason)
        case (404, _): return .notFound(reason)
        case (_, "RequestTimeout"), (_, "BadDigest"), (_, "OperationAborted"), (_, "SlowDown"), (408, _), (429, _),
            (200, _), (500..., _):
            return .unavailable(reason, retryAfter: after)
        default: return .refused(reason)
        }
    }

    /// An address of an object that opens without keys.
    func link(_ object: String, seconds: Int, query: [(name: String, value: String)]) -> String {
        let path = path(object)
        let signed = signature.presign(path: path, query: query, host: host, seconds: seconds, at: now())
        return "\(scheme)://\(host)\(path)?\(signed)"
    }
}
