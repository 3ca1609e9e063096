import Common
import Crypto
import Foundation

/// Signatures as standardwebhooks.com has them.
enum StandardWebhook {
    /// A new secret: `whsec_` and 32 random bytes in base 64.
    static func makeSecret() -> Secret {
        Secret("whsec_" + Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString())
    }

    /// The headers of one delivery; a signature for each secret, so that receivers can change to a new one when they like.
    ///
    /// - Throws: ``StandardWebhookError`` if a secret is none.
    static func headers(id: String, at now: Timestamp, body: [UInt8], secrets: [Secret]) throws -> [(
        name: String, value: String
    )] {
        let seconds = String(now.milliseconds / 1000)
        let signed = Data("\(id).\(seconds).".utf8) + body
        let signatures = try secrets.map { secret in
            guard secret.reveal().hasPrefix("whsec_"),
                let key = Data(base64Encoded: String(secret.reveal().dropFirst("whsec_".count)))
            else { throw StandardWebhookError.badSecret }
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: key))
            return "v1," + Data(code).base64EncodedString()
        }
        return [
            ("webhook-id", id), ("webhook-timestamp", seconds),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}

enum StandardWebhookError: Error, CustomStringConvertible {
    case badSecret
    var description: String { "the secret is not whsec_ and base 64" }
}
