public import Common

/// Mail over SMTP by libcurl: a connection and a thread of its own for each message, since libcurl's calls block.
///
/// The number of messages at once is the caller's to bound.
public struct CurlMail: MailTransport {
    private let settings: CurlMailSettings

    public init(_ settings: CurlMailSettings) { self.settings = settings }

    public var server: String { "\(settings.host):\(settings.port)" }
    public var sender: String { settings.sender }

    public func send(_ mail: OutgoingMail) async throws(MailError) {
        let ticket = Ticket()
        let settings = settings
        let result: Result<Void, MailError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                CurlThread.start("mail-out", stop: ticket.cancel) {
                    MailExchange.run(mail, settings, ticket) { continuation.resume(returning: $0) }
                }
            }
        } onCancel: {
            ticket.cancel()
        }
        try result.get()
    }
}
