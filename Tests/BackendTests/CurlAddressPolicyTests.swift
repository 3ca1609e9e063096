import Common
import CurlTransport
import Foundation
import Synchronization
import TestKit
import Testing

@Suite struct CurlAddressPolicy {
    @Test(arguments: [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
        "172.31.255.255", "192.168.1.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "fc00::1", "fd12::1",
        "fe80::1", "fec0::1", "ff02::1",
    ])
    func refuses(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(!AddressPolicy.publicOnly.allows(address))
        #expect(AddressPolicy.any.allows(address))
    }

    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "169.253.0.1",
        "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2400::1",
    ])
    func allows(text: String) throws {
        #expect(AddressPolicy.publicOnly.allows(try #require(IPAddress(text))))
    }

    @Test func allowsNetworksBesides() throws {
        let policy = AddressPolicy.allowing([try #require(Network("10.4.0.0/14")), try #require(Network("fd00::1"))])
        #expect(policy.allows(try #require(IPAddress("10.7.255.255"))))
        #expect(!policy.allows(try #require(IPAddress("10.8.0.0"))))
        #expect(policy.allows(try #require(IPAddress("fd00::1"))))
        #expect(!policy.allows(try #require(IPAddress("fd00::2"))))
        #expect(policy.allows(try #require(IPAddress("8.8.8.8"))))
    }

    @Test(arguments: ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a.b.c.d", "10.0.0.0/", "10.0.0.0/-1"])
    func refusesWhatIsNoNetwork(text: String) { #expect(Network(text) == nil) }

    @Test(arguments: [
        "http://127.0.0.1", "http://localhost", "http://0.0.0.0", "http://0x7f.1", "http://2130706433", "http://[::1]",
    ])
    func loopbackIsRefusedHoweverItIsWritten(host: String) async throws {
        let server = try RawServer { connection in while connection.readHead() != nil { connection.answer() } }
        defer { server.close() }
        let transport = CurlTransport(policy: .publicOnly)
        do throws(HTTPTransportError) {
            _ = try await transport.send(OutgoingRequest("GET", "\(host):\(server.port)/"))
            Issue.record("it was let through")
        } catch {
            guard case .forbiddenAddress = error else { Issue.record("\(error)"); return }
        }
        #expect(server.accepted == 0)
        await transport.shutdown()
    }

    /// The name first has an address that is allowed, then one that is not: what counts is the socket's address.
    @Test func aNameThatChangesItsAddressIsRefused() async throws {
        let server = try RawServer { connection in
            if connection.readHead() != nil { connection.answer(headers: ["Connection: close"], "in") }
        }
        defer { server.close() }
        let port = server.port
        let address = Mutex("127.0.0.1")
        var settings = CurlTransport.Settings()
        settings.policy = .allowing([try #require(Network("127.0.0.1"))])
        settings.resolve = { ["-rebinding.example:\(port)", "rebinding.example:\(port):\(address.withLock { $0 })"] }
        let transport = CurlTransport(settings)
        let request = OutgoingRequest("GET", "http://rebinding.example:\(port)/")

        #expect(try await transport.send(request).body == Array("in".utf8))
        address.withLock { $0 = "127.0.0.2" }
        await #expect(throws: HTTPTransportError.forbiddenAddress("rebinding.example (127.0.0.2)")) {
            try await transport.send(request)
        }
        // Several addresses at once: the allowed one answers nothing, the forbidden one is not tried.
        address.withLock { $0 = "127.0.0.2,169.254.169.254" }
        await #expect(throws: HTTPTransportError.self) { try await transport.send(request) }
        #expect(server.accepted == 1)
        await transport.shutdown()
    }

    @Test func aRedirectInwardsIsRefused() async throws {
        let inner = try RawServer { connection in while connection.readHead() != nil { connection.answer() } }
        defer { inner.close() }
        let port = inner.port
        let server = try RawServer { connection in
            while connection.readHead() != nil {
                connection.answer("302 Found", headers: ["Location: http://127.0.0.2:\(port)/latest/meta-data"])
            }
        }
        defer { server.close() }
        let transport = CurlTransport(policy: .allowing([try #require(Network("127.0.0.1/32"))]))
        await #expect(throws: HTTPTransportError.forbiddenAddress("127.0.0.2 (127.0.0.2)")) {
            try await transport.send(OutgoingRequest("GET", server.url))
        }
        #expect(inner.accepted == 0)
        await transport.shutdown()
    }
}
