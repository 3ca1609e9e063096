public import Common
import Foundation

/// Where a service that speaks S3 is, and who we are there.
public struct S3Settings: Sendable, Hashable {
    public var bucket: String
    /// What all names of objects begin with; empty, or with a `/` at its end.
    public var prefix: String
    /// `https://s3.eu-central-1.amazonaws.com`, without a slash at the end.
    public var endpoint: String
    public var region: String
    /// Whether the bucket is in the path (`https://host/bucket/…`) and not in the host's name.
    public var isPathStyle: Bool
    public var credentials: S3Credentials
    /// Seconds that one request may take.
    public var timeout = 60.0
    /// Attempts at one request, in all.
    public var attempts = 5
    /// Seconds before the second attempt, at the most; doubled each time.
    public var firstPause = 0.2
    /// Bytes of a part of a larger file; a service wants five MiB at the least, and takes ten thousand parts.
    public var partBytes = 8 << 20

    /// - Parameter url: `s3://bucket/prefix?endpoint=https://…&region=…&addressing=path`. Without an endpoint it is Amazon's;
    ///   with one, the bucket is in the path unless `addressing=virtual`.
    /// - Throws: ``S3SettingsError``.
    public init(url: String, accessKey: String?, secretKey: Secret?, sessionToken: Secret? = nil) throws {
        guard let parts = URLComponents(string: url), parts.scheme == "s3", let bucket = parts.host, !bucket.isEmpty
        else { throw S3SettingsError("it is no address such as s3://bucket/prefix?region=eu-central-1") }
        guard parts.user == nil, parts.password == nil else {
            throw S3SettingsError("keys do not stand in it: set EARSHOT_FILES_ACCESS_KEY and EARSHOT_FILES_SECRET_KEY")
        }
        guard let accessKey, let secretKey, !accessKey.isEmpty, !secretKey.reveal().isEmpty else {
            throw S3SettingsError("keys are missing: set EARSHOT_FILES_ACCESS_KEY and EARSHOT_FILES_SECRET_KEY")
        }
        self.bucket = bucket
        let path = parts.path.split(separator: "/").joined(separator: "/")
        guard FileFolder(Self.anybody, path) != nil || path.isEmpty else {
            throw S3SettingsError("the prefix `\(path)` has other characters than letters, digits and . _ - /")
        }
        prefix = path.isEmpty ? "" : path + "/"
        credentials = S3Credentials(accessKey: accessKey, secretKey: secretKey, sessionToken: sessionToken)
        var values: [String: String] = [:]
        for item in parts.queryItems ?? [] {
            guard ["endpoint", "region", "addressing"].contains(item.name), let value = item.value, !value.isEmpty
            else { throw S3SettingsError("`\(item.name)` is none of endpoint, region, addressing") }
            values[item.name] = value
        }
        region = values["region"] ?? "us-east-1"
        endpoint = values["endpoint"] ?? "https://s3.\(region).amazonaws.com"
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        let address = URLComponents(string: endpoint)
        guard let address, ["http", "https"].contains(address.scheme), address.host?.isEmpty == false,
            address.path.isEmpty, address.query == nil
        else { throw S3SettingsError("the endpoint \(endpoint) is no address such as https://s3.example.org") }
        switch values["addressing"] {
        case "path": isPathStyle = true
        case "virtual": isPathStyle = false
        // A certificate for *.host does not hold for a name with dots in it.
        case nil: isPathStyle = values["endpoint"] != nil || bucket.contains(".")
        case let other?: throw S3SettingsError("the addressing is \(other); `path` or `virtual` is wanted")
        }
    }

    private static let anybody = WorkspaceID(digest: [UInt8](repeating: 0, count: 16))

    /// Without secrets.
    public var place: String { "s3://\(bucket)/\(prefix) at \(endpoint)" }
}

/// Who we are.
public struct S3Credentials: Sendable, Hashable {
    public var accessKey: String
    public var secretKey: Secret
    /// Of temporary keys.
    public var sessionToken: Secret?

    public init(accessKey: String, secretKey: Secret, sessionToken: Secret? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }
}

/// Why an address of S3 cannot be used.
public struct S3SettingsError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ reason: String) { description = reason }
}
