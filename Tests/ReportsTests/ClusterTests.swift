import ByteJSON
import Common
import Testing

@testable import Reports

@Suite struct ClusterTests {
    private static let day: Int64 = 86_400_000

    @Test func theFirstOfAWeekIsCanonical() {
        var cluster = Cluster()
        let members = [0, 7, 8, 14, 16].map { Cluster.Member(timestamp: $0 * Self.day, id: .numbered($0)) }
        let grew = members.map { cluster.insert($0) }
        #expect(grew == [true, false, true, false, true])
        #expect(members.map { cluster.canonical(for: $0) } == [nil, .numbered(0), nil, .numbered(8), nil])
        cluster.remove(members[0])
        #expect(members.dropFirst().map { cluster.canonical(for: $0) } == [nil, .numbered(7), .numbered(7), nil])
    }

    @Test(arguments: 0..<50) func theCutDoesNotDependOnTheOrder(seed: Int) {
        var random = SeededGenerator(seed: seed)
        let members = (0..<12).map {
            Cluster.Member(timestamp: Int64.random(in: 0..<40, using: &random) * Self.day, id: .numbered($0))
        }
        var cluster = Cluster()
        var canonical = 0
        for member in members.shuffled(using: &random) {
            let before = members.filter { cluster.members.contains($0) && cluster.canonical(for: $0) == nil }.count
            let grew = cluster.insert(member)
            canonical = members.filter { cluster.members.contains($0) && cluster.canonical(for: $0) == nil }.count
            #expect(grew == (canonical > before))
        }
        let gone = members.shuffled(using: &random).prefix(4)
        for member in gone { cluster.remove(member) }
        let left = members.filter { !gone.contains($0) }
        let fresh = Cluster(left)
        #expect(left.map { cluster.canonical(for: $0) } == left.map { fresh.canonical(for: $0) })
    }

    @Test func shortTextsOfDifferentPeopleAreNotCrossPosts() throws {
        let ann = try key("Great app", author: "ann")
        #expect(ann != nil)
        #expect(try ann == key("  great\n APP ", author: "ann"))
        #expect(try ann != key("Great app", author: "ben"))
        #expect(try ann != key("Great app", author: "ann", source: "github"), "an account is one at its provider")
        #expect(try key("Great app", author: nil) == nil)
        #expect(try key("Great app", author: nil, name: "Ann") == nil, "several people have one name")
        #expect(try key("Great app", author: nil, email: "a***@example.org") == nil, "a masked address is nobody's")
        #expect(
            try key("Great app", author: "1", email: "ann@example.org")
                == key("Great app", author: "2", source: "github", email: "Ann@Example.org"))
        #expect(try key(" \n ", author: "ann") == nil)
    }

    @Test func longTextsAreCrossPostsWhoeverWroteThem() throws {
        let long = String(repeating: "Überall hakt es. ", count: 6)
        #expect(MergeKey.normalise(long).length >= MergeKey.longText)
        #expect(try key(long, author: "ann") == key(long.uppercased(), author: nil))
        #expect(try key(long, author: "ann") != key(long, author: "ann", workspace: "ws_b"))
        let almost = String(repeating: "x", count: MergeKey.longText - 1)
        #expect(try key(almost, author: "ann") != key(almost, author: "ben"))
        #expect(try key(almost + "x", author: "ann") == key(almost + "x", author: "ben"))
    }

    /// Every scalar there is, one after another.
    @Test func lowerCaseIsThatOfUnicode() {
        var wrong: [Unicode.Scalar] = []
        for scalar in (UInt32(0x21)...0x10FFFF).compactMap(Unicode.Scalar.init) {
            if MergeKey.normalise(String(scalar)).text != Array(scalar.properties.lowercaseMapping.utf8) {
                wrong.append(scalar)
            }
        }
        #expect(wrong.isEmpty)
    }

    private func key(
        _ text: String, author: String?, source: String = "discourse", workspace: String = "ws_a",
        email: String? = nil, name: String? = nil
    ) throws -> Digest128? {
        let item = Item(workspace: workspace, source: source, text: text, author: author, email: email, name: name)
        var writer = JSONWriter()
        item.feedback(raw: .init(partition: 0, offset: 0, item: 0)).write(to: &writer)
        return try Arrival(
            JSONDocument(parsing: writer.bytes).root, document: writer.bytes,
            raw: .init(partition: 0, offset: 0, item: 0)
        ).mergeKey
    }
}
