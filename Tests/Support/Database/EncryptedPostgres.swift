public import Common
import Foundation

/// A PostgreSQL server that takes connections over TLS alone, and certificates that do and do not hold for it.
public final class EncryptedPostgres: Sendable {
    public let cluster: PostgresCluster
    private let folder: TemporaryFolder
    private let port: Int

    public init() async throws {
        folder = try TemporaryFolder()
        for authority in ["trusted", "other"] {
            try Self.openssl([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(authority)",
                "-keyout", folder.file("\(authority).key"), "-out", folder.file("\(authority).pem"),
            ])
        }
        try Self.openssl([
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", folder.file("server.key"),
            "-out", folder.file("server.csr"),
        ])
        try Data("subjectAltName=DNS:localhost".utf8).write(to: URL(fileURLWithPath: folder.file("names")))
        try Self.openssl([
            "x509", "-req", "-days", "2", "-in", folder.file("server.csr"), "-CA", folder.file("trusted.pem"),
            "-CAkey", folder.file("trusted.key"), "-CAcreateserial", "-extfile", folder.file("names"), "-out",
            folder.file("server.pem"),
        ])
        port = try freePort()
        cluster = try await PostgresCluster(
            encrypted: .init(port: port, certificate: folder.file("server.pem"), key: folder.file("server.key")))
    }

    /// How to connect.
    ///
    /// - Parameters:
    ///   - host: `localhost` is the name in the certificate.
    ///   - authority: `trusted`, who signed it, or `other`.
    public func url(host: String = "localhost", mode: String = "verify-full", authority: String = "trusted") -> Secret {
        let root = folder.file(authority + ".pem")
        return Secret("postgres://earshot@\(host):\(port)/postgres?sslmode=\(mode)&sslrootcert=\(root)")
    }

    private static func openssl(_ arguments: [String]) throws {
        let (status, output) = try ChildProcess.run(["openssl"] + arguments)
        guard status == 0 else {
            throw ProcessFailure("openssl \(arguments[0]) failed: \(String(decoding: output, as: UTF8.self))")
        }
    }
}
