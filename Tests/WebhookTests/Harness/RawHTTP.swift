import Foundation
import Glibc

/// What a server answered.
struct Answer: Sendable {
    var status = 0
    /// By name in lower case.
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// HTTP over a socket of its own, byte by byte as the test wants it.
struct RawHTTP: Sendable {
    let port: Int

    /// One request on a connection of its own.
    func send(_ method: String, _ path: String, headers: [String: String], body: [UInt8]) async throws -> Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if headers["Content-Length"] == nil, headers["Transfer-Encoding"] == nil {
            head += "Content-Length: \(body.count)\r\n"
        }
        return try await exchange([Array((head + "\r\n").utf8) + body])
    }

    /// Writes the pieces, with a pause between them, and reads until an answer is complete or the server closes.
    func exchange(_ pieces: [[UInt8]], pause: Duration = .zero, closesAfterwards: Bool = false) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try exchangeNow(pieces, pause: pause, closesAfterwards: closesAfterwards)
                    })
            }
        }
    }

    private func exchangeNow(_ pieces: [[UInt8]], pause: Duration, closesAfterwards: Bool) throws -> Answer {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw POSIXError(.EMFILE) }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .ECONNREFUSED) }
        for (i, piece) in pieces.enumerated() {
            if i > 0, pause > .zero {
                usleep(UInt32(pause.components.seconds * 1_000_000 + pause.components.attoseconds / 1_000_000_000_000))
            }
            var sent = 0
            while sent < piece.count {
                let count = piece.withUnsafeBytes {
                    Glibc.send(socket, $0.baseAddress.map { $0 + sent }, piece.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { break }  // the server closed: read what it said
                sent += count
            }
        }
        if closesAfterwards { shutdown(socket, Int32(SHUT_WR)) }
        return read(from: socket)
    }

    private func read(from socket: Int32) -> Answer {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let answer = Self.parse(bytes) { return answer }
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { return Self.parse(bytes, isComplete: true) ?? Answer() }
            bytes += chunk[..<count]
        }
    }

    private static func parse(_ bytes: [UInt8], isComplete: Bool = false) -> Answer? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        var answer = Answer()
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        answer.status = Int(lines[0].split(separator: " ")[1]) ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                answer.headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        answer.body = Array(bytes[end.upperBound...])
        if answer.status == 100 { return parse(answer.body, isComplete: isComplete) }
        guard let length = answer.headers["content-length"].flatMap({ Int($0) }) else {
            return isComplete ? answer : nil
        }
        return answer.body.count >= length || isComplete ? answer : nil
    }
}
