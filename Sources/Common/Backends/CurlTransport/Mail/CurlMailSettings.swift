public import Common
import Foundation

/// Where the mail server is and how it is talked to: `smtp://user:password@smtp.example.org:587`.
public struct CurlMailSettings: Sendable {
    /// Whether the connection is encrypted.
    public enum Encryption: String, Sendable, CaseIterable {
        /// From the first byte: `smtps`.
        case implicit
        /// After `STARTTLS`, or not at all.
        case required
        /// After `STARTTLS` where the server offers it.
        case offered
        /// Never: for a server on the same machine.
        case none
    }

    public let host: String
    public let port: Int
    public var encryption: Encryption
    public let user: String?
    public let password: Secret
    /// The address that mail comes from.
    public let sender: String
    /// A file of trusted certificates in PEM form; nil trusts what the system trusts.
    public var certificateAuthorities: String?
    /// For one message, from the first byte to the last.
    public var timeout: Duration = .seconds(60)

    /// - Parameters:
    ///   - url: `smtp://` or `smtps://`; `?tls=required` (the default), `offered` or `none`.
    ///   - sender: nil is `earshot@` and the server's name.
    /// - Throws: ``CurlMailSettingsError`` saying what is wrong; never with the password in it.
    public init(url: Secret, sender: String?) throws(CurlMailSettingsError) {
        guard let parts = URLComponents(string: url.reveal()), let scheme = parts.scheme?.lowercased(),
            scheme == "smtp" || scheme == "smtps", let host = parts.host, !host.isEmpty
        else { throw CurlMailSettingsError("is no address such as smtp://user:password@smtp.example.org:587") }
        self.host = host
        port = parts.port ?? (scheme == "smtps" ? 465 : 587)
        encryption = scheme == "smtps" ? .implicit : .required
        for item in parts.queryItems ?? [] {
            guard item.name == "tls", scheme == "smtp",
                let value = item.value.flatMap(Encryption.init(rawValue:)), value != .implicit
            else {
                throw CurlMailSettingsError(
                    "has \(item.name); `tls=required`, `tls=offered` or `tls=none` may be there")
            }
            encryption = value
        }
        user = parts.user
        password = Secret(parts.password ?? "")
        self.sender = sender ?? "earshot@\(host)"
        guard self.sender.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3C && $0 != 0x3E }),
            self.sender.split(separator: "@", omittingEmptySubsequences: false).count == 2
        else { throw CurlMailSettingsError("has a sender that is no address such as earshot@example.org") }
    }
}

/// Why a mail server's settings cannot be used.
public struct CurlMailSettingsError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
