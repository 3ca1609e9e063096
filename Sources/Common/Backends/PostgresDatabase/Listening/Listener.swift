import CPQ
import Common
import Foundation
import Glibc

/// Hears what transactions of all programs notify: one connection, on a thread of its own that sleeps until the server
/// says something. The thread begins with the first one who listens.
///
/// Whenever it has connected, all channels ring once: something may have been said while nobody heard it. Where the
/// connection is lost it is made again, later and later ([docs/database.md]).
final class Listener: @unchecked Sendable {
    private let connector: Connector
    private let name: String
    private let listeners = Notifications()
    private let condition = NSCondition()
    /// Has the thread look up; what is written to it.
    private let wake: (reading: CInt, writing: CInt)?
    private var isRunning = false
    private var isClosed = false
    private var watchers: [CheckedContinuation<Void, Never>] = []

    init(_ connector: Connector, name: String) {
        self.connector = connector
        self.name = name
        var ends: [CInt] = [0, 0]
        wake = pipe(&ends) == 0 ? (ends[0], ends[1]) : nil
        for end in ends where wake != nil {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        guard let wake else { return }
        _ = Glibc.close(wake.reading)
        _ = Glibc.close(wake.writing)
    }

    func listen(to channel: String) -> AsyncStream<Void> {
        let rings = listeners.listen(to: channel)
        condition.lock()
        let begins = !isRunning && !isClosed && wake != nil
        if begins { isRunning = true }
        condition.unlock()
        if begins {
            Thread.detachNewThread { [self] in
                Thread.current.name = name
                work()
            }
        } else {
            rouse()
        }
        return rings
    }

    /// Listens no more.
    func close() {
        condition.lock()
        isClosed = true
        condition.unlock()
        listeners.close()
        rouse()
    }

    /// Closes, and waits until the connection has ended.
    func finish() async {
        close()
        await withCheckedContinuation { continuation in
            condition.lock()
            let isOver = !isRunning
            if !isOver { watchers.append(continuation) }
            condition.unlock()
            if isOver { continuation.resume() }
        }
    }

    private func rouse() {
        guard let wake else { return }
        var byte: UInt8 = 0
        // A pipe that is full wakes the thread as well.
        _ = write(wake.writing, &byte, 1)
    }

    // MARK: - On the thread

    private var isOver: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isClosed
    }

    private func work() {
        var backoff = Backoff()
        while !isOver {
            do {
                let handle = try connector.handle()
                try hear(handle.pointer) { backoff.succeed() }
            } catch {
                // Whoever uses the database for more than this says that it is away.
                rest(seconds: backoff.fail())
            }
        }
        condition.lock()
        isRunning = false
        let watchers = watchers
        self.watchers = []
        condition.unlock()
        for watcher in watchers { watcher.resume() }
    }

    /// Waits, unless it is closed.
    private func rest(seconds: Double) {
        let end = ContinuousClock.now + .seconds(seconds)
        while !isOver, end > .now {
            _ = waitForWord(-1, milliseconds: CInt(max(1, (end - .now) / .milliseconds(1))))
        }
    }

    /// Returns when it is closed.
    ///
    /// - Throws: ``DatabaseError/unavailable(_:)`` when the connection is lost.
    private func hear(_ connection: OpaquePointer, _ isConnected: () -> Void) throws {
        try command(connector.setPath, on: connection)
        /// The channels that are listened to, by their names on the server.
        var heard: [String: String] = [:]
        while !isOver {
            let new = listeners.channels.subtracting(heard.values)
            for channel in new { heard[try begin(channel, on: connection)] = channel }
            isConnected()
            listeners.ring(new)
            var rung: Set<String> = []
            while let notice = PQnotifies(connection) {
                if let channel = heard[String(cString: notice.pointee.relname)] { rung.insert(channel) }
                PQfreemem(notice)
            }
            listeners.ring(rung)
            guard waitForWord(PQsocket(connection), milliseconds: -1) else { continue }
            guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else { throw lost(connection) }
        }
    }

    /// Waits for the server or for a reason to look up.
    ///
    /// - Returns: Whether the server said something.
    private func waitForWord(_ socket: CInt, milliseconds: CInt) -> Bool {
        guard let wake else { return false }
        // One that is negative is left out.
        var ends = [
            pollfd(fd: wake.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&ends, 2, milliseconds) > 0 else { return false }
        if ends[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 64)
            while read(wake.reading, &bytes, bytes.count) > 0 {}
        }
        return ends[1].revents != 0
    }

    /// Listens to a channel.
    ///
    /// - Returns: Its name on the server.
    private func begin(_ channel: String, on connection: OpaquePointer) throws -> String {
        let text = "SELECT \(Placeholders.numbered(PostgresConnection.channelName).0)"
        let found = channel.withCString { value -> OpaquePointer? in
            var values: [UnsafePointer<CChar>?] = [value]
            return PQexecParams(connection, text, 1, [25], &values, nil, nil, 0)
        }
        guard let result = found.map(QueryResult.init), PQresultStatus(result.pointer) == PGRES_TUPLES_OK,
            let value = PQgetvalue(result.pointer, 0, 0)
        else { throw lost(connection) }
        let name = String(cString: value)
        try command("LISTEN \(name)", on: connection)
        return name
    }

    private func command(_ text: String, on connection: OpaquePointer) throws {
        guard let result = PQexec(connection, text).map(QueryResult.init),
            PQresultStatus(result.pointer) == PGRES_COMMAND_OK
        else { throw lost(connection) }
    }

    private func lost(_ connection: OpaquePointer) -> DatabaseError {
        .unavailable("PostgreSQL: \(PostgresFailure.text(PQerrorMessage(connection)))")
    }
}
