/// Hands mail to the operator's mail server.
public protocol MailTransport: Sendable {
    /// The server, for limits and logs: `smtp.example.org:587`.
    var server: String { get }
    /// The address that mail comes from: `earshot@example.org`.
    var sender: String { get }

    /// Hands over a message; returns when the server has taken it.
    ///
    /// A server that goes silent after the last byte may have taken it all the same: send it again under the same
    /// `Message-ID`.
    func send(_ mail: OutgoingMail) async throws(MailError)
}

/// A message and whom it goes to.
public struct OutgoingMail: Sendable, Hashable {
    public var recipient: String
    /// As RFC 5322 and MIME have it, lines ended by CR and LF.
    public var message: [UInt8]

    public init(to recipient: String, message: [UInt8]) {
        self.recipient = recipient
        self.message = message
    }
}

/// Why a message was not taken, by what to do next.
public enum MailError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The server refused this recipient or message for good.
    case refused(String)
    /// The server does not want this message now, but it is well: try again later.
    case deferred(String)
    /// The server cannot be reached, does not answer, or does not accept us: every message would fare alike.
    case unavailable(String)
    case cancelled

    public var description: String {
        switch self {
        case .refused(let reason): "the mail server refuses it: \(reason)"
        case .deferred(let reason): "the mail server puts it off: \(reason)"
        case .unavailable(let reason): "the mail server is not available: \(reason)"
        case .cancelled: "cancelled"
        }
    }
}
