import Common
import CurlTransport
import Foundation
import Synchronization
import TestKit
import Testing

/// The error that a request ends with; fails if it gets a response.
private func failure(_ transport: CurlTransport, _ request: OutgoingRequest) async -> HTTPTransportError? {
    do throws(HTTPTransportError) {
        let response = try await transport.send(request)
        Issue.record("a response came: \(response.status)")
        return nil
    } catch {
        return error
    }
}

@Suite struct CurlTransportExchange {
    @Test func readsStatusHeadersAndBodyOfAnyStatus() async throws {
        let server = try RawServer { connection in
            while let head = connection.readHead() {
                connection.answer(
                    "418 I am a teapot", headers: ["X-Asked: \(head[0])", "X-Twice: a", "X-Twice: b"], "short")
            }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let response = try await transport.send(OutgoingRequest("GET", server.url + "/a?b=c"))
        #expect(response.status == 418)
        #expect(response["x-asked"] == "GET /a?b=c HTTP/1.1")
        #expect(response.headers.filter { $0.name == "X-Twice" }.map(\.value) == ["a", "b"])
        #expect(response.body == Array("short".utf8))
        #expect(response.url == server.url + "/a?b=c")
        await transport.shutdown()
    }

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    func sendsMethodHeadersAndBody(method: String) async throws {
        let server = try RawServer { connection in
            guard let head = connection.readHead() else { return }
            let asked = head[0].split(separator: " ")[0]
            let length = head.first { $0.lowercased().hasPrefix("content-length") } ?? ""
            let mine = head.first { $0.hasPrefix("X-Mine") } ?? ""
            connection.write(
                "HTTP/1.1 200 OK\r\nX-Method: \(asked)\r\nX-Length: \(length)\r\nX-Line: \(mine)\r\nContent-Length: 0\r\n\r\n"
            )
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let hasBody = ["POST", "PUT", "PATCH"].contains(method)
        let response = try await transport.send(
            OutgoingRequest(method, server.url, headers: [("X-Mine", "yes")], body: hasBody ? Array("12345".utf8) : []))
        #expect(response["X-Method"] == method)
        #expect(response["X-Line"] == "X-Mine: yes")
        if hasBody { #expect(response["X-Length"] == "Content-Length: 5") }
        await transport.shutdown()
    }

    @Test func keepsConnectionsForTheNextRequest() async throws {
        let server = try RawServer { connection in while connection.readHead() != nil { connection.answer() } }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        for _ in 0..<20 { _ = try await transport.send(OutgoingRequest("GET", server.url)) }
        #expect(server.accepted == 1)
        await transport.shutdown()
    }

    @Test func twoHundredAtOnce() async throws {
        let server = try RawServer { connection in
            while let head = connection.readHead() {
                connection.answer("200 OK", String(head[0].split(separator: " ")[1]))
            }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let url = server.url
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for i in 0..<200 {
                group.addTask {
                    String(
                        decoding: try await transport.send(OutgoingRequest("GET", "\(url)/\(i)")).body, as: UTF8.self)
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(answers == Set((0..<200).map { "/\($0)" }))
        #expect(server.accepted <= 16)
        await transport.shutdown()
    }

    @Test func aHeaderThatCarriesALineBreakIsRefused() async throws {
        let transport = CurlTransport(policy: .any)
        let error = await failure(
            transport, OutgoingRequest("GET", "http://127.0.0.1:1/", headers: [("X-A", "b\r\nX-C: d")]))
        guard case .invalidRequest = error else { Issue.record("\(String(describing: error))"); return }
        await transport.shutdown()
    }

    @Test(arguments: [
        "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "nonsense", "http://user:word@127.0.0.1/",
    ])
    func onlyPlainAddressesOfHTTP(url: String) async throws {
        let transport = CurlTransport(policy: .any)
        #expect(await failure(transport, OutgoingRequest("GET", url)) == .invalidURL(url))
        await transport.shutdown()
    }
}

@Suite struct CurlTransportHostileServers {
    private func limits(total: Double = 20, stall: Int = 20, body: Int = 1 << 20, headers: Int = 64 << 10) -> HTTPLimits
    {
        var limits = HTTPLimits()
        limits.totalTimeout = .seconds(total)
        limits.stallTimeout = .seconds(stall)
        limits.maximumBodyBytes = body
        limits.maximumHeaderBytes = headers
        return limits
    }

    @Test func anEndlessBodyIsCutAtTheLimit() async throws {
        let sent = Mutex(0)
        let server = try RawServer { connection in
            guard connection.readHead() != nil, connection.write("HTTP/1.1 200 OK\r\n\r\n") else { return }
            let chunk = [UInt8](repeating: 0x61, count: 65_536)
            while connection.write(chunk) { sent.withLock { $0 += chunk.count } }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let error = await failure(transport, OutgoingRequest("GET", server.url, limits: limits(body: 1 << 20)))
        #expect(error == .bodyTooLarge(limit: 1 << 20))
        #expect(sent.withLock { $0 } < 32 << 20)
        await transport.shutdown()
    }

    @Test func aGzipBombIsCutAtTheLimitOfWhatItUnpacksTo() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "earshot-bomb-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "zeros")
        try Data(count: 64 << 20).write(to: file)
        try run(["gzip", "-9", file.path])
        let bomb = Array(try Data(contentsOf: file.appendingPathExtension("gz")))
        #expect(bomb.count < 100_000)
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(bomb.count)\r\n\r\n")
            connection.write(bomb)
            connection.waitForEnd()
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        #expect(
            await failure(transport, OutgoingRequest("GET", server.url, limits: limits(body: 1 << 20)))
                == .bodyTooLarge(limit: 1 << 20))
        let whole = try await transport.send(OutgoingRequest("GET", server.url, limits: limits(body: 64 << 20)))
        #expect(whole.body.count == 64 << 20)
        await transport.shutdown()
    }

    @Test func aBrokenEncodingIsNamed() async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            connection.answer(headers: ["Content-Encoding: gzip"], "this is not gzip at all")
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        guard case .badEncoding = await failure(transport, OutgoingRequest("GET", server.url)) else {
            Issue.record("another error")
            return
        }
        await transport.shutdown()
    }

    @Test(arguments: [1_000, 1_000_000]) func hugeHeadersAreCutAtTheLimit(lineLength: Int) async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil, connection.write("HTTP/1.1 200 OK\r\n") else { return }
            let line = "X-Filler: " + String(repeating: "a", count: lineLength) + "\r\n"
            while connection.write(line) {}
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        #expect(
            await failure(transport, OutgoingRequest("GET", server.url, limits: limits(headers: 64 << 10)))
                == .headersTooLarge(limit: 64 << 10))
        await transport.shutdown()
    }

    @Test func stalledHeadersTimeOut() async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nX-")
            connection.waitForEnd()
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let begun = ContinuousClock.now
        guard case .timedOut = await failure(transport, OutgoingRequest("GET", server.url, limits: limits(stall: 1)))
        else {
            Issue.record("another error")
            return
        }
        #expect(.now - begun < .seconds(15))
        await transport.shutdown()
    }

    @Test func aStalledBodyTimesOut() async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
            connection.waitForEnd()
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let begun = ContinuousClock.now
        guard case .timedOut = await failure(transport, OutgoingRequest("GET", server.url, limits: limits(stall: 1)))
        else {
            Issue.record("another error")
            return
        }
        #expect(.now - begun < .seconds(15))
        await transport.shutdown()
    }

    @Test func aSlowDripEndsAtTheTotalTimeout() async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil, connection.write("HTTP/1.1 200 OK\r\n\r\n") else { return }
            while connection.write("a") { usleep(20_000) }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let begun = ContinuousClock.now
        let error = await failure(transport, OutgoingRequest("GET", server.url, limits: limits(total: 0.5)))
        guard case .timedOut = error else { Issue.record("\(String(describing: error))"); return }
        #expect(.now - begun < .seconds(15))
        await transport.shutdown()
    }

    @Test func aTruncatedChunkedBodyIsAnError() async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nonly this")
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let error = await failure(transport, OutgoingRequest("GET", server.url))
        guard case .failed = error else { Issue.record("\(String(describing: error))"); return }
        #expect(error?.isTransient == true)
        await transport.shutdown()
    }

    @Test func aRefusedConnectionIsNamed() async throws {
        let server = try RawServer { _ in }
        server.close()
        let transport = CurlTransport(policy: .any)
        guard case .connectionFailed = await failure(transport, OutgoingRequest("GET", server.url)) else {
            Issue.record("another error")
            return
        }
        await transport.shutdown()
    }

    @Test func anUnknownNameIsNamed() async throws {
        let transport = CurlTransport(policy: .any)
        #expect(
            await failure(transport, OutgoingRequest("GET", "http://no-such-host.invalid/"))
                == .unresolvedHost("no-such-host.invalid"))
        await transport.shutdown()
    }
}

@Suite struct CurlTransportRedirects {
    @Test func endlessRedirectsEndAtTheLimit() async throws {
        let asked = Mutex(0)
        let server = try RawServer { connection in
            while connection.readHead() != nil {
                let count = asked.withLock {
                    $0 += 1; return $0
                }
                connection.answer("302 Found", headers: ["Location: /\(count)"])
            }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        #expect(await failure(transport, OutgoingRequest("GET", server.url)) == .tooManyRedirects(limit: 5))
        #expect(asked.withLock { $0 } == 6)
        await transport.shutdown()
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://127.0.0.1/", "dict://127.0.0.1:11211/"])
    func onlyToHTTP(location: String) async throws {
        let server = try RawServer { connection in
            while connection.readHead() != nil { connection.answer("302 Found", headers: ["Location: \(location)"]) }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        guard case .invalidURL(let reason) = await failure(transport, OutgoingRequest("GET", server.url)) else {
            Issue.record("another error")
            return
        }
        #expect(reason.contains(location))
        await transport.shutdown()
    }

    @Test func credentialsStayWithTheirOrigin() async throws {
        let seen = Mutex<[String]>([])
        let other = try RawServer { connection in
            while let head = connection.readHead() {
                seen.withLock { $0 = head }
                connection.answer("200 OK", "there")
            }
        }
        defer { other.close() }
        let target = other.url
        let server = try RawServer { connection in
            while let head = connection.readHead() {
                if head[0].contains(" /same ") {
                    connection.answer("200 OK", head.contains { $0 == "Api-Key: k" } ? "kept" : "lost")
                } else {
                    let location = head[0].contains(" /here ") ? "same" : target + "/landed"
                    connection.answer("302 Found", headers: ["Location: \(location)"])
                }
            }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let headers = [("Authorization", "Bearer t"), ("Api-Key", "k"), ("Cookie", "c=1"), ("Accept", "text/x-mine")]
        let away = try await transport.send(OutgoingRequest("GET", server.url + "/away", headers: headers))
        #expect(away.url == target + "/landed")
        let lines = seen.withLock { $0 }.map { $0.lowercased() }
        #expect(lines.contains("accept: text/x-mine"))
        #expect(!lines.contains { $0.hasPrefix("authorization") || $0.hasPrefix("api-key") || $0.hasPrefix("cookie") })

        let here = try await transport.send(OutgoingRequest("GET", server.url + "/here", headers: headers))
        #expect(String(decoding: here.body, as: UTF8.self) == "kept")
        await transport.shutdown()
    }

    @Test func aBodyIsNotCarriedToAnotherOrigin() async throws {
        let other = try RawServer { connection in while connection.readHead() != nil { connection.answer() } }
        defer { other.close() }
        let target = other.url
        let server = try RawServer { connection in
            while connection.readHead() != nil {
                connection.answer("307 Temporary Redirect", headers: ["Location: \(target)"])
            }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let response = try await transport.send(OutgoingRequest("POST", server.url, body: Array("secret".utf8)))
        #expect(response.status == 307)
        #expect(other.accepted == 0)
        await transport.shutdown()
    }
}

@Suite struct CurlTransportCancellation {
    @Test func aCancelledRequestFreesItsSlot() async throws {
        let asked = Mutex(0)
        let server = try RawServer { connection in
            while let head = connection.readHead() {
                asked.withLock { $0 += 1 }
                if head[0].contains("/hang") { return connection.waitForEnd() }
                connection.answer("200 OK", "free")
            }
        }
        defer { server.close() }
        var settings = CurlTransport.Settings()
        settings.policy = .any
        settings.connectionsPerHost = 1
        let transport = CurlTransport(settings)
        let url = server.url
        let hanging = Task { try await transport.send(OutgoingRequest("GET", url + "/hang")) }
        while asked.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        hanging.cancel()
        await #expect(throws: HTTPTransportError.cancelled) { try await hanging.value }
        let begun = ContinuousClock.now
        let next = try await transport.send(OutgoingRequest("GET", url + "/free"))
        #expect(next.body == Array("free".utf8))
        #expect(.now - begun < .seconds(15))
        await transport.shutdown()
    }

    @Test func aTaskCancelledBeforehandSendsNothing() async throws {
        let server = try RawServer { connection in while connection.readHead() != nil { connection.answer() } }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let url = server.url
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await transport.send(OutgoingRequest("GET", url))
        }
        await #expect(throws: HTTPTransportError.cancelled) { try await task.value }
        #expect(server.accepted == 0)
        await transport.shutdown()
    }

    @Test func shutdownEndsWhatIsUnderWay() async throws {
        let server = try RawServer { connection in
            _ = connection.readHead()
            connection.waitForEnd()
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .any)
        let url = server.url
        let hanging = Task { try await transport.send(OutgoingRequest("GET", url)) }
        while server.accepted == 0 { try await Task.sleep(for: .milliseconds(5)) }
        await transport.shutdown()
        await #expect(throws: HTTPTransportError.cancelled) { try await hanging.value }
        #expect(await failure(transport, OutgoingRequest("GET", url)) == .cancelled)
        await transport.shutdown()
    }
}

@Suite struct CurlTransportTLS {
    @Test func verifiesCertificateAndName() async throws {
        let server = try TLSServer(names: "DNS:localhost,IP:127.0.0.1")
        defer { server.close() }
        let trusting = CurlTransport(policy: .any, certificateAuthorities: server.certificate)
        let response = try await trusting.send(OutgoingRequest("GET", "https://localhost:\(server.port)/"))
        #expect(response.status == 200)
        await trusting.shutdown()

        let strict = CurlTransport(policy: .any)
        guard case .tlsFailed = await failure(strict, OutgoingRequest("GET", "https://localhost:\(server.port)/"))
        else {
            Issue.record("an unknown certificate was trusted")
            return
        }
        await strict.shutdown()
    }

    @Test func refusesACertificateForAnotherName() async throws {
        let server = try TLSServer(names: "DNS:elsewhere.example")
        defer { server.close() }
        let transport = CurlTransport(policy: .any, certificateAuthorities: server.certificate)
        guard
            case .tlsFailed(let reason) = await failure(
                transport, OutgoingRequest("GET", "https://localhost:\(server.port)/"))
        else {
            Issue.record("another error")
            return
        }
        #expect(reason.contains("localhost"))
        await transport.shutdown()
    }
}
