import Common
import Configuration

/// Where files of workspaces are kept: those that are sent for an import, and the rows that it could not read.
struct FileSettings: Sendable {
    /// `files` (EARSHOT_FILES; in a file `files: {place: …}`): a folder, or
    /// `s3://bucket/prefix?endpoint=https://…&region=…&addressing=path` of a service that speaks S3. Default: `files` in the
    /// data folder. Processes of a role that runs several times need one place for all of them.
    var place: String?
    /// `files.access_key` (EARSHOT_FILES_ACCESS_KEY): who we are at S3.
    var accessKey: String?
    /// `files.secret_key` (EARSHOT_FILES_SECRET_KEY, secret).
    var secretKey: Secret?
    /// `files.session_token` (EARSHOT_FILES_SESSION_TOKEN, secret): of temporary keys.
    var sessionToken: Secret?
    /// `files.quota_megabytes` (EARSHOT_FILES_QUOTA_MEGABYTES): what the files of one workspace may have together. Default
    /// 20480.
    var quotaMegabytes: Int

    /// - Throws: ``SettingsError``.
    init(_ config: ConfigReader) throws {
        place = config.string(forKey: "files") ?? config.string(forKey: "files.place")
        accessKey = config.string(forKey: "files.access_key")
        secretKey = config.string(forKey: "files.secret_key", isSecret: true).map(Secret.init)
        sessionToken = config.string(forKey: "files.session_token", isSecret: true).map(Secret.init)
        quotaMegabytes = config.int(forKey: "files.quota_megabytes", default: 20_480)
        guard (1...1 << 30).contains(quotaMegabytes) else {
            throw SettingsError("files.quota_megabytes", "\(quotaMegabytes) is not between 1 and \(1 << 30)")
        }
    }

    var isS3: Bool { place?.hasPrefix("s3:") == true }

    /// Bytes that the files of one workspace may have together.
    var quota: Int { quotaMegabytes << 20 }
}
