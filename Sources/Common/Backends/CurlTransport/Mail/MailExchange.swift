import CCurl
import Common
import Glibc

/// One message on its way, on one thread.
final class MailExchange {
    private var handle: EasyHandle
    private let ticket: Ticket
    private let message: [UInt8]
    private var sent = 0
    /// What the server said, line by line.
    private var replies: [String] = []
    private let deadline: ContinuousClock.Instant
    private var socket: curl_socket_t = -1
    private var isStopped = false

    /// - Parameter done: Told as soon as the server has answered; libcurl's goodbye comes afterwards.
    static func run(
        _ mail: OutgoingMail, _ settings: CurlMailSettings, _ ticket: Ticket,
        done: (Result<Void, MailError>) -> Void
    ) {
        let exchange: MailExchange
        do {
            exchange = MailExchange(try EasyHandle(), mail, until: .now + settings.timeout, ticket)
        } catch {
            return done(.failure(.unavailable("\(error)")))
        }
        exchange.prepare(mail, settings)
        done(exchange.perform())
        // Until here the handle is kept: letting go of it says goodbye, and waits for an answer to that.
        withExtendedLifetime(exchange) {}
    }

    private init(
        _ handle: consuming EasyHandle, _ mail: OutgoingMail, until deadline: ContinuousClock.Instant, _ ticket: Ticket
    ) {
        self.handle = handle
        self.ticket = ticket
        self.deadline = deadline
        message = mail.message
    }

    private func prepare(_ mail: OutgoingMail, _ settings: CurlMailSettings) {
        let scheme = settings.encryption == .implicit ? "smtps" : "smtp"
        handle.set(CURLOPT_URL, "\(scheme)://\(settings.host):\(settings.port)")
        handle.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        handle.set(CURLOPT_PROXY, "")
        handle.set(CURLOPT_NOSIGNAL, true)
        handle.set(CURLOPT_SSL_VERIFYPEER, true)
        handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        handle.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        let level =
            switch settings.encryption {
            case .implicit, .required: CURLUSESSL_ALL
            case .offered: CURLUSESSL_TRY
            case .none: CURLUSESSL_NONE
            }
        handle.set(CURLOPT_USE_SSL, Int(level.rawValue))
        if let file = settings.certificateAuthorities { handle.set(CURLOPT_CAINFO, file) }
        if let user = settings.user {
            handle.set(CURLOPT_USERNAME, user)
            handle.set(CURLOPT_PASSWORD, settings.password.reveal())
        }
        handle.set(CURLOPT_CONNECTTIMEOUT_MS, min(settings.timeout, .seconds(15)))
        handle.set(CURLOPT_TIMEOUT_MS, settings.timeout + .seconds(5))  // should our own clock not be asked
        handle.set(CURLOPT_MAIL_FROM, "<\(settings.sender)>")
        handle.set(CURLOPT_MAIL_RCPT, list: ["<\(mail.recipient)>"])
        handle.set(CURLOPT_UPLOAD, true)
        earshot_curl_set_size(handle.pointer, CURLOPT_INFILESIZE_LARGE, curl_off_t(message.count))
        let context = Unmanaged.passUnretained(self).toOpaque()  // we live until curl_easy_perform has returned
        earshot_curl_on_read(handle.pointer, giveMessage, context)
        earshot_curl_on_header(handle.pointer, takeReply, context)
        earshot_curl_on_progress(handle.pointer, mayStop, context)
        earshot_curl_on_open_socket(handle.pointer, openSocket, context)
    }

    private func perform() -> Result<Void, MailError> {
        let code = curl_easy_perform(handle.pointer)
        guard code != CURLE_OK else { return .success(()) }
        if ticket.isCancelled { return .failure(.cancelled) }
        if isStopped { return .failure(.unavailable("no answer in time after: \(replies.last ?? "nothing")")) }
        return .failure(
            MailExchange.error(replies: replies, isLogin: code == CURLE_LOGIN_DENIED, handle.reason(of: code)))
    }

    /// What a failure means, by what the server said last.
    ///
    /// - Parameters:
    ///   - isLogin: Whether it did not accept our user name.
    ///   - reason: What libcurl says.
    static func error(replies: [String], isLogin: Bool, _ reason: String) -> MailError {
        func isRefusal(_ reply: String) -> Bool { reply.hasPrefix("4") || reply.hasPrefix("5") }
        // Before it has said 250 once, it has refused us and not the message. After a refusal it may still say goodbye.
        guard !isLogin, let last = replies.drop(while: { !$0.hasPrefix("250") }).last(where: isRefusal),
            let code = Int(last.prefix(3))
        else {
            return .unavailable(replies.last(where: isRefusal).map { "\($0) (\(reason))" } ?? reason)
        }
        return switch code {
        case 421, 454, 530, 534, 535, 538: .unavailable(last)
        case 400...499: .deferred(last)
        case 500...599: .refused(last)
        default: .unavailable(reason)
        }
    }

    fileprivate func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(room.count, message.count - sent)
        message.withUnsafeBytes { room.copyMemory(from: .init(rebasing: $0[sent..<sent + count])) }
        sent += count
        return count
    }

    fileprivate func take(reply line: String) {
        let text = String(line.prefix(200).filter { !$0.isNewline })
        if replies.count < 100, !text.isEmpty { replies.append(text) }
    }

    /// Whether to stop now. The connection goes with it: libcurl would say goodbye, and wait for an answer to that from a
    /// server that does not answer.
    fileprivate func mustStop() -> Bool {
        guard ticket.isCancelled || ContinuousClock.now > deadline else { return false }
        isStopped = true
        if socket >= 0 { shutdown(socket, Int32(SHUT_RDWR)) }
        return true
    }

    fileprivate func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        socket = Glibc.socket(address.pointee.family, type, address.pointee.`protocol`)
        return socket
    }
}

// MARK: - libcurl's callbacks; each is called on the exchange's thread

private func exchange(_ context: UnsafeMutableRawPointer) -> MailExchange {
    Unmanaged<MailExchange>.fromOpaque(context).takeUnretainedValue()
}

private let giveMessage: curl_read_callback = { bytes, size, count, context in
    guard let context, let bytes else { return 0 }
    return exchange(context).give(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
}

private let takeReply: curl_write_callback = { bytes, size, count, context in
    if let context, let bytes {
        let raw = UnsafeRawBufferPointer(start: bytes, count: size * count)
        exchange(context).take(reply: String(decoding: raw, as: UTF8.self))
    }
    return size * count
}

private let mayStop: curl_xferinfo_callback = { context, _, _, _, _ in
    guard let context else { return 0 }
    return exchange(context).mustStop() ? 1 : 0
}

private let openSocket: curl_opensocket_callback = { context, _, address in
    guard let context, let address else { return -1 }
    return exchange(context).open(address)
}
