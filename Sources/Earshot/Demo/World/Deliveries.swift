import ByteJSON
public import Common
import Crypto
import Foundation

/// One webhook delivery as a sender would make it, without its signature.
public struct Delivery: Sendable {
    public var body: [UInt8]
    public var headers: [(name: String, value: String)]

    public init(body: [UInt8], headers: [(name: String, value: String)]) {
        self.body = body
        self.headers = headers
    }
}

extension World {
    /// GitHub's deliveries: each issue and comment as it is opened, then changed, then deleted.
    public func repositoryDeliveries() -> [Delivery] {
        var deliveries: [Delivery] = []
        func add(_ event: String, _ action: String, _ item: WorldItem, edited: Bool) {
            deliveries.append(
                Delivery(
                    body: RepositoryShape.body(action, item, edited: edited),
                    headers: [
                        ("Content-Type", "application/json"), ("X-GitHub-Event", event),
                        ("X-GitHub-Delivery", "\(item.externalID)-\(action)"),
                    ]))
        }
        for item in items where item.channel == .repository {
            let event = item.position == 1 ? "issues" : "issue_comment"
            add(event, item.position == 1 ? "opened" : "created", item, edited: false)
            if item.edit != nil { add(event, "edited", item, edited: true) }
            if item.isDeleted { add(event, "deleted", item, edited: false) }
        }
        return deliveries
    }

    /// What the in-app form sends by Standard Webhooks.
    public func formDeliveries() -> [Delivery] {
        items.filter { $0.channel == .form }.map { item in
            var w = JSONWriter()
            w.beginObject()
            w.member("id", "form-\(item.externalID)")
            if item.fate != .malformed(.missingPart) { w.member("text", item.text) }
            w.member("created_at", item.time.description)
            w.member("language", item.language)
            w.member("product_version", item.version)
            w.key("author")
            w.beginObject()
            w.member("id", String(item.author.id))
            w.member("name", item.author.name)
            w.member("email", item.author.email)
            w.endObject()
            w.endObject()
            return Delivery(
                body: w.bytes,
                headers: [("Content-Type", "application/json"), ("webhook-id", "msg_\(item.externalID)")])
        }
    }

    /// What the forum sends after it was read: late posts, changes and deletions, and a private message.
    public func forumDeliveries(host: String) -> [Delivery] {
        var deliveries: [Delivery] = []
        func add(_ event: String, _ body: [UInt8]) {
            deliveries.append(
                Delivery(
                    body: body,
                    headers: [
                        ("Content-Type", "application/json"), ("X-Discourse-Instance", "http://\(host)"),
                        ("X-Discourse-Event-Id", String(deliveries.count + 1)), ("X-Discourse-Event-Type", "post"),
                        ("X-Discourse-Event", event),
                    ]))
        }
        for item in items where item.channel == .forum && item.fate != .spam {
            if item.isLate { add("post_created", ForumShape.delivery(item, edited: false)) }
            if item.edit != nil { add("post_edited", ForumShape.delivery(item, edited: true)) }
            if item.isDeleted { add("post_destroyed", ForumShape.delivery(item, edited: false, isDeleted: true)) }
        }
        return deliveries
    }
}

extension Delivery {
    /// Signs as GitHub does.
    public func signedForGitHub(secret: String) -> Delivery {
        adding([("X-Hub-Signature-256", "sha256=" + Self.hex(Self.mac(Array(secret.utf8), body)))])
    }

    /// Signs as Discourse does.
    public func signedForDiscourse(secret: String) -> Delivery {
        adding([("X-Discourse-Event-Signature", "sha256=" + Self.hex(Self.mac(Array(secret.utf8), body)))])
    }

    /// Signs by Standard Webhooks, version 1.
    public func signedByStandard(secret: String, at time: Timestamp) -> Delivery {
        let id = headers.first { $0.name == "webhook-id" }?.value ?? ""
        let seconds = String(time.milliseconds / 1000)
        let key = Data(base64Encoded: String(secret.dropFirst("whsec_".count))) ?? Data()
        let mac = Self.mac(Array(key), Array("\(id).\(seconds).".utf8) + body)
        return adding([("webhook-timestamp", seconds), ("webhook-signature", "v1," + Data(mac).base64EncodedString())])
    }

    private func adding(_ more: [(name: String, value: String)]) -> Delivery {
        Delivery(body: body, headers: headers + more)
    }

    private static func mac(_ key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
