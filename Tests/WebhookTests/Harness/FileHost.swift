import Foundation
import Synchronization
import TestKit

/// A server on loopback that has one file, and hands it out well or badly.
final class FileHost: Sendable {
    /// What it does with a request.
    enum Manner: Sendable {
        /// The part that is asked for.
        case inParts
        /// All of it, whatever is asked for.
        case whole
        /// All of it, packed on its way though nobody asked for that.
        case packed([UInt8])
        /// Parts of what it packed.
        case packedParts([UInt8])
        /// Sends the client elsewhere.
        case elsewhere(String)
        /// Half of what it announces, and then the connection ends.
        case cut
        /// Half of what it announces, and then nothing.
        case hanging
        case status(String, [String] = [])
    }
    private struct State {
        var file: [UInt8]
        var version: String?
        /// What it does with the next requests; parts after that.
        var manners: [Manner] = []
        var standard: Manner
        var heads: [[String]] = []
    }
    private let state: Mutex<State>
    private let server: Mutex<RawServer?>

    init(_ file: [UInt8], version: String? = "\"1\"", _ standard: Manner = .inParts) throws {
        let state = State(file: file, version: version, standard: standard)
        self.state = Mutex(state)
        server = Mutex(nil)
        let started = try RawServer { [weak self] connection in
            while let head = connection.readHead(), let self {
                guard self.answer(head, connection) else { return }
            }
        }
        server.withLock { $0 = started }
    }

    deinit { close() }

    func close() { server.withLock { $0?.close() } }
    var url: String { (server.withLock { $0?.url } ?? "") + "/reviews.csv" }
    /// The heads of the requests that came.
    var heads: [[String]] { state.withLock { $0.heads } }

    func next(_ manners: Manner...) { state.withLock { $0.manners += manners } }
    func change(_ file: [UInt8], version: String?) {
        state.withLock { state in
            state.file = file
            state.version = version
        }
    }

    /// - Returns: Whether the connection is kept.
    private func answer(_ head: [String], _ connection: RawConnection) -> Bool {
        let (manner, file, version) = state.withLock { state in
            state.heads.append(head)
            let manner = state.manners.isEmpty ? state.standard : state.manners.removeFirst()
            return (manner, state.file, state.version)
        }
        let tag = version.map { ["ETag: \($0)"] } ?? []
        func send(_ status: String, _ headers: [String], _ body: ArraySlice<UInt8>, announced: Int? = nil) -> Bool {
            let lines =
                ["HTTP/1.1 \(status)"] + tag + headers + ["Content-Length: \(announced ?? body.count)", "", ""]
            return connection.write(Array(lines.joined(separator: "\r\n").utf8) + body)
        }
        func part(of bytes: [UInt8], _ headers: [String] = []) -> Bool {
            let asked = Self.range(head)
            let condition = Self.value("if-range", head)
            guard let asked, condition == nil || condition == version else {
                return send("200 OK", headers, bytes[...])
            }
            guard asked.lowerBound < bytes.count else {
                return send("416 Range Not Satisfiable", ["Content-Range: bytes */\(bytes.count)"], [])
            }
            let end = min(asked.upperBound, bytes.count)
            let range = "Content-Range: bytes \(asked.lowerBound)-\(end - 1)/\(bytes.count)"
            return send("206 Partial Content", headers + [range], bytes[asked.lowerBound..<end])
        }
        switch manner {
        case .inParts: return part(of: file)
        case .whole: return send("200 OK", [], file[...])
        case .packed(let bytes): return send("200 OK", ["Content-Encoding: gzip"], bytes[...])
        case .packedParts(let bytes): return part(of: bytes, ["Content-Encoding: gzip"])
        case .elsewhere(let url): return send("302 Found", ["Location: \(url)"], [])
        case .cut:
            _ = send("200 OK", [], file[..<(file.count / 2)], announced: file.count)
            return false
        case .hanging:
            _ = send("200 OK", [], file[..<(file.count / 2)], announced: file.count)
            connection.waitForEnd()
            return false
        case .status(let status, let headers): return send(status, headers, [])
        }
    }

    private static func value(_ name: String, _ head: [String]) -> String? {
        head.first { $0.lowercased().hasPrefix(name + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    private static func range(_ head: [String]) -> Range<Int>? {
        guard let text = value("range", head), text.hasPrefix("bytes=") else { return nil }
        let ends = text.dropFirst(6).split(separator: "-").compactMap { Int($0) }
        return ends.count == 2 ? ends[0]..<(ends[1] + 1) : nil
    }
}
