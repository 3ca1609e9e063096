import CCurl
import Common
import Synchronization

/// The thread that owns the multi handle, and the box through which others reach it.
///
/// It sleeps in `curl_multi_poll` until a socket, a timer or `curl_multi_wakeup` ends the sleep.
final class CurlLoop: Sendable {
    typealias Completion = @Sendable (Result<IncomingResponse, HTTPTransportError>) -> Void

    private enum Command {
        case start(OutgoingRequest, Ticket, Completion)
        case cancel(Ticket)
    }

    private struct Inbox {
        var commands: [Command] = []
        /// Nil before the thread runs and after it ended.
        var multi: MultiHandle?
        var isClosing = false
        var hasEnded = false
        var onEnd: [@Sendable () -> Void] = []
    }

    private let settings: CurlTransport.Settings
    private let inbox = Mutex(Inbox())

    init(settings: CurlTransport.Settings) { self.settings = settings }

    func submit(_ request: OutgoingRequest, _ ticket: Ticket, _ completion: @escaping Completion) {
        let accepted = inbox.withLock { inbox in
            guard !inbox.isClosing else { return false }
            inbox.commands.append(.start(request, ticket, completion))
            inbox.multi?.wakeUp()
            return true
        }
        if !accepted { completion(.failure(.cancelled)) }
    }

    func cancel(_ ticket: Ticket) {
        ticket.cancel()
        inbox.withLock { inbox in
            inbox.commands.append(.cancel(ticket))
            inbox.multi?.wakeUp()
        }
    }

    /// Asks the thread to end.
    func close(onEnd: (@Sendable () -> Void)? = nil) {
        let ended = inbox.withLock { inbox in
            inbox.isClosing = true
            if !inbox.hasEnded, let onEnd { inbox.onEnd.append(onEnd) }
            inbox.multi?.wakeUp()
            return inbox.hasEnded
        }
        if ended { onEnd?() }
    }

    /// The thread's work, until ``close(onEnd:)``.
    func run() {
        let multi = MultiHandle(connectionsPerHost: settings.connectionsPerHost, connections: settings.connections)
        inbox.withLock { $0.multi = multi }
        var exchanges: [UnsafeMutableRawPointer: Exchange] = [:]

        while true {
            let (commands, isClosing) = takeCommands()
            for command in commands {
                switch command {
                case .start(let request, let ticket, let completion):
                    begin(request, ticket, completion, on: multi, &exchanges)
                case .cancel(let ticket):
                    if let exchange = exchanges.values.first(where: { $0.ticket === ticket }) {
                        end(exchange, with: .failure(.cancelled), on: multi, &exchanges)
                    }
                }
            }
            if isClosing { break }
            multi.perform()
            while let (pointer, code) = multi.nextFinished() {
                guard let exchange = exchanges[pointer] else { continue }
                switch exchange.finish(code) {
                case .done(let result): end(exchange, with: result, on: multi, &exchanges)
                case .again:
                    multi.remove(exchange.handle.pointer)
                    multi.add(exchange.handle.pointer)
                }
            }
            multi.poll()
        }

        for exchange in exchanges.values { end(exchange, with: .failure(.cancelled), on: multi, &exchanges) }
        inbox.withLock { $0.multi = nil }
        multi.cleanUp()
        let onEnd = inbox.withLock { inbox in
            inbox.hasEnded = true
            defer { inbox.onEnd = [] }
            return inbox.onEnd
        }
        for call in onEnd { call() }
    }

    private func takeCommands() -> ([Command], isClosing: Bool) {
        inbox.withLock { inbox in
            defer { inbox.commands = [] }
            return (inbox.commands, inbox.isClosing)
        }
    }

    private func begin(
        _ request: OutgoingRequest, _ ticket: Ticket, _ completion: @escaping Completion, on multi: MultiHandle,
        _ exchanges: inout [UnsafeMutableRawPointer: Exchange]
    ) {
        guard !ticket.isCancelled else { return completion(.failure(.cancelled)) }
        do throws(HTTPTransportError) {
            let exchange = try Exchange(request, settings: settings, ticket: ticket, completion: completion)
            exchanges[exchange.handle.pointer] = exchange
            multi.add(exchange.handle.pointer)
        } catch {
            completion(.failure(error))
        }
    }

    /// Takes the transfer off the multi handle before its own handle goes.
    private func end(
        _ exchange: Exchange, with result: Result<IncomingResponse, HTTPTransportError>, on multi: MultiHandle,
        _ exchanges: inout [UnsafeMutableRawPointer: Exchange]
    ) {
        multi.remove(exchange.handle.pointer)
        exchanges[exchange.handle.pointer] = nil
        exchange.completion(result)
    }
}

/// The multi handle.
///
/// Every call but ``wakeUp()`` belongs to the loop's thread.
struct MultiHandle: @unchecked Sendable {
    private let pointer: UnsafeMutableRawPointer

    init(connectionsPerHost: Int, connections: Int) {
        guard let pointer = curl_multi_init() else { preconditionFailure("libcurl has no memory for its multi handle") }
        self.pointer = pointer
        earshot_curl_multi_set_long(pointer, CURLMOPT_MAX_HOST_CONNECTIONS, connectionsPerHost)
        earshot_curl_multi_set_long(pointer, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections)
        earshot_curl_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, connections)
    }

    func wakeUp() { curl_multi_wakeup(pointer) }
    func add(_ easy: UnsafeMutableRawPointer) { curl_multi_add_handle(pointer, easy) }
    func remove(_ easy: UnsafeMutableRawPointer) { curl_multi_remove_handle(pointer, easy) }
    func perform() {
        var running: Int32 = 0
        curl_multi_perform(pointer, &running)
    }

    /// A transfer that ended since the last call, and how.
    func nextFinished() -> (UnsafeMutableRawPointer, CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(pointer, &left) {
            if message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle {
                return (easy, message.pointee.data.result)
            }
        }
        return nil
    }

    func poll() { curl_multi_poll(pointer, nil, 0, 60_000, nil) }
    func cleanUp() { curl_multi_cleanup(pointer) }
}
