import Common
import Foundation
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test("new ones differ, have their prefix, and sort by age")
    func make() {
        let identifiers = (0..<200).map { WorkspaceID.make(at: Timestamp(milliseconds: 1_700_000_000_000 + $0 * 7)) }
        #expect(Set(identifiers).count == 200)
        #expect(identifiers == identifiers.sorted())
        for identifier in identifiers {
            #expect(identifier.rawValue.hasPrefix("ws_"))
            #expect(identifier.rawValue.utf8.count == 29)
            #expect(WorkspaceID(identifier.rawValue) == identifier)
        }
    }

    @Test("those of one millisecond sort as they were made, and are not counted up")
    func makeAtOnce() {
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        let identifiers = (0..<10_000).map { _ in JobID.make(at: now) }
        #expect(identifiers == identifiers.sorted())
        #expect(Set(identifiers).count == 10_000)
        // The random end.
        #expect(Set(identifiers.map { $0.rawValue.suffix(9) }).count > 9_990)
        let earlier = JobID.make(at: Timestamp(milliseconds: 1_699_999_999_999))
        #expect(earlier < identifiers[0])
    }

    @Test(
        "refuses another kind, other characters and other lengths",
        arguments: [
            "", "ws_", "st_0123456789abcdefghjkmnpqrs", "0123456789abcdefghjkmnpqrs", "ws_ABC", "ws_a b", "ws_a'b",
            "ws_a/b",
            "ws_ä", "WS_abc", "ws_" + String(repeating: "a", count: 100),
        ])
    func refuses(text: String) {
        #expect(WorkspaceID(text) == nil)
    }

    @Test("one item of a provider has one identity, and only in its workspace")
    func derived() throws {
        let (one, two) = (WorkspaceID.make(), WorkspaceID.make())
        func derive(_ workspace: WorkspaceID, _ connector: String, _ instance: String, _ id: String) -> FeedbackID {
            .derive(workspace: workspace, connector: connector, instance: instance, externalID: id)
        }
        let identity = derive(one, "github", "owner/repo", "issue/1")
        #expect(identity == derive(one, "github", "owner/repo", "issue/1"))
        let others = [
            derive(two, "github", "owner/repo", "issue/1"), derive(one, "gitlab", "owner/repo", "issue/1"),
            derive(one, "github", "owner/other", "issue/1"), derive(one, "github", "owner/repo", "issue/2"),
            // The parts must not run together.
            derive(one, "github", "owner/repoissue/1", ""), derive(one, "githubowner/repo", "", "issue/1"),
        ]
        #expect(Set(others + [identity]).count == others.count + 1)
        #expect(FeedbackID(identity.rawValue) == identity)
    }

    @Test(
        "encodes base 32 as Crockford wrote it down",
        arguments: [
            ("", ""), ("f", "cr"), ("fo", "csqg"), ("foo", "csqpy"), ("foob", "csqpyrg"), ("fooba", "csqpyrk1"),
            ("foobar", "csqpyrk1e8"),
        ])
    func base32(text: String, encoded: String) {
        #expect(Base32.encode(text.utf8) == encoded)
    }

    @Test("goes through Codable as text, and not as another kind")
    func codable() throws {
        let identifier = StreamID.make()
        let data = try JSONEncoder().encode([identifier])
        #expect(try JSONDecoder().decode([StreamID].self, from: data) == [identifier])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([WorkspaceID].self, from: data) }
    }

    @Test("a secret is not printed")
    func secret() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\([secret])", dumped] {
            #expect(!text.contains("hunter2"))
        }
        #expect(secret.reveal() == "hunter2")
    }
}
