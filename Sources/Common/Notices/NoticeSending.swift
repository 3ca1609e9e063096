import ByteJSON
import Common
import Foundation
import ServiceKit

/// How an attempt to deliver ended.
enum NoticeOutcome: Sendable, Hashable {
    case delivered(status: Int? = nil)
    /// Never, to this recipient or with this content.
    case refused(String, status: Int? = nil)
    /// Never again to this channel.
    case gone(String, status: Int)
    /// Not this one, not now.
    case deferred(String)
    /// Nothing, now.
    case unavailable(String, status: Int? = nil, retryAfter: Duration? = nil)
}

/// Sends a notice to where it goes; what the other side says is a value.
struct NoticeSending: Sendable {
    let transport: any HTTPTransport
    let mail: (any MailTransport)?
    /// Of the files that go with mails; larger ones are behind the link.
    let maximumAttachment: Int

    // MARK: - Mail

    func send(_ notice: Notice, to address: String, attachment: NoticeAttachment?) async throws -> NoticeOutcome {
        guard let mail else { return .unavailable("no mail server is set: EARSHOT_MAIL_URL=smtp://…") }
        let file = try await file(attachment)
        let host = mail.sender.split(separator: "@").last.map(String.init) ?? "localhost"
        let message = MailMessage(
            id: "\(notice.id)@\(host)", from: mail.sender, to: address, subject: notice.content.title,
            date: notice.createdAt, text: NoticeMail.text(notice.content, attached: file != nil),
            html: NoticeMail.html(notice.content, attached: file != nil), file: file)
        do {
            try await mail.send(OutgoingMail(to: address, message: message.bytes))
            return .delivered()
        } catch {
            switch error {
            case .refused(let reason): return .refused(reason)
            case .deferred(let reason): return .deferred(reason)
            case .unavailable(let reason): return .unavailable(reason)
            case .cancelled: throw CancellationError()
            }
        }
    }

    /// nil where the file is too large: then the link is enough.
    private func file(_ attachment: NoticeAttachment?) async throws -> MailMessage.File? {
        guard let attachment, attachment.size <= maximumAttachment else { return nil }
        return MailMessage.File(
            name: attachment.name, contentType: attachment.contentType, bytes: try await attachment.read())
    }

    // MARK: - Channels

    /// - Parameters:
    ///   - secrets: What a webhook is signed with.
    func send(_ notice: Notice, to kind: Channel.Kind, at address: Secret, secrets: [Secret], now: Timestamp)
        async throws
        -> NoticeOutcome
    {
        let body: [UInt8]
        var headers = [(name: "Content-Type", value: "application/json")]
        switch kind {
        case .webhook:
            body =
                JSON.object([
                    "type": .string(notice.content.event), "timestamp": .string(notice.createdAt.description),
                    "data": notice.content.data,
                ]).bytes
            headers += try StandardWebhook.headers(id: notice.id.rawValue, at: now, body: body, secrets: secrets)
        case .slack: body = ChatMessage.slack(notice.content).bytes
        case .teams: body = ChatMessage.teams(notice.content).bytes
        }
        var limits = HTTPLimits()
        limits.totalTimeout = .seconds(20)
        limits.maximumBodyBytes = 65_536
        limits.maximumRedirects = 0
        let request = OutgoingRequest("POST", address.reveal(), headers: headers, body: body, limits: limits)
        do {
            return Self.outcome(try await transport.send(request), of: kind)
        } catch .cancelled {
            throw CancellationError()
        } catch {
            switch error {
            case .invalidURL, .invalidRequest, .forbiddenAddress: return .refused("\(error)")
            default: return .unavailable("\(error)")
            }
        }
    }

    static func outcome(_ answer: IncomingResponse, of kind: Channel.Kind) -> NoticeOutcome {
        let said = String(decoding: answer.body.prefix(200), as: UTF8.self).filter { !$0.isNewline }
        let reason = "answered \(answer.status)\(said.isEmpty ? "" : ": \(said)")"
        let isChat = kind != .webhook
        switch answer.status {
        case 200..<300: return .delivered(status: answer.status)
        case 410: return .gone(reason, status: answer.status)
        // A chat says so when the channel or the app is no more.
        case 403 where isChat, 404 where isChat: return .gone(reason, status: answer.status)
        case 400 where isChat, 413 where isChat: return .refused(reason, status: answer.status)
        default:
            return .unavailable(
                reason, status: answer.status,
                retryAfter: answer["Retry-After"].flatMap(Self.seconds).map { .seconds($0) })
        }
    }

    /// Seconds that a `Retry-After` asks for, a day at the most.
    private static func seconds(_ text: String) -> Double? {
        Double(text).map { min(max(0, $0), 86_400) }
    }
}
