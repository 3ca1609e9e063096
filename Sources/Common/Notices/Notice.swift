public import ByteJSON
public import Common
import ServiceKit

/// A message to one recipient about one event, and the job that delivers it.
public struct Notice: Sendable {
    /// Stays the same however often it is sent: the `webhook-id`, and the local part of the `Message-ID`.
    public let id: NoticeID
    public let workspace: WorkspaceID
    public let recipient: Recipient
    public let content: NoticeContent
    public let createdAt: Timestamp
    /// The job that delivers it, or the last one that did.
    public let job: JobID
}

/// One try to deliver a notice.
struct NoticeAttempt: Sendable {
    var at: Timestamp
    /// How long it took.
    var milliseconds: Int64
    /// `delivered`, `deferred`, `refused`.
    var outcome: String
    /// What HTTP said.
    var status: Int?
    var reason: String?

    var json: JSON {
        var members: [String: JSON] = [
            "at": .string(at.description), "milliseconds": .integer(milliseconds), "outcome": .string(outcome),
        ]
        members["status"] = status.map { .integer(Int64($0)) }
        members["reason"] = reason.map { .string($0) }
        return .object(members)
    }
}

/// What a notice is about, as it is when the notice is to be delivered.
public enum NoticeSubject: Sendable {
    /// It is not there any more: nobody is told.
    case gone(String)
    case there(attachment: NoticeAttachment?)
}

/// A file that goes with a mail, if it is small enough.
public struct NoticeAttachment: Sendable {
    public var name: String
    public var contentType: String
    /// In bytes.
    public var size: Int
    /// Reads it, wherever it is kept; asked only for one that goes along.
    let read: @Sendable () async throws -> [UInt8]

    public init(
        name: String, contentType: String, size: Int, read: @escaping @Sendable () async throws -> [UInt8]
    ) {
        self.name = name
        self.contentType = contentType
        self.size = size
        self.read = read
    }
}
