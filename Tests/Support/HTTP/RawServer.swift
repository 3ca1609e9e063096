import Foundation
import Glibc
import Synchronization

/// A TCP server on loopback whose behaviour is a closure: what no decent HTTP server would do can be done with it.
///
/// Each connection has a thread of its own. ``close()`` ends all of them.
public final class RawServer: Sendable {
    public let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var connections: Set<Int32> = []
        var accepted = 0
        var isClosed = false
    }

    public init(_ serve: @escaping @Sendable (RawConnection) -> Void) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 512) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard outcome else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [self] in
            defer { Glibc.close(listener) }  // here and nowhere else: its number must not be given away under us
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let keep = state.withLock { state in
                    guard !state.isClosed else { return false }
                    state.accepted += 1
                    state.connections.insert(descriptor)
                    return true
                }
                guard keep else { Glibc.close(descriptor); return }
                Thread.detachNewThread { [self] in
                    serve(RawConnection(descriptor: descriptor))
                    state.withLock { _ = $0.connections.remove(descriptor) }
                    Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
                    Glibc.close(descriptor)
                }
            }
        }
    }

    public var url: String { "http://127.0.0.1:\(port)" }
    /// How many connections were made to it.
    public var accepted: Int { state.withLock { $0.accepted } }

    public func close() {
        state.withLock { state in
            state.isClosed = true
            for descriptor in state.connections { Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        Glibc.shutdown(listener, Int32(SHUT_RDWR))
    }
}

/// One connection of a ``RawServer``, on its own thread.
public struct RawConnection {
    let descriptor: Int32

    /// The next request's head, line by line; nil when the client went away.
    public func readHead() -> [String]? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.suffix(4) != [13, 10, 13, 10] {
            guard recv(descriptor, &byte, 1, 0) == 1 else { return nil }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n").filter { !$0.isEmpty }
    }

    /// The next line, without its end; nil when the client went away.
    public func readLine() -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while byte != 10 {
            guard recv(descriptor, &byte, 1, 0) == 1 else { return nil }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// - Returns: Whether the client still takes bytes.
    @discardableResult
    public func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Waits until the client goes away.
    public func waitForEnd() {
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) > 0 {}
    }

    /// Answers with a whole response that keeps the connection.
    @discardableResult
    public func answer(_ status: String = "200 OK", headers: [String] = [], _ body: String = "") -> Bool {
        let lines = ["HTTP/1.1 \(status)"] + headers + ["Content-Length: \(body.utf8.count)", "", ""]
        return write(lines.joined(separator: "\r\n") + body)
    }
}
