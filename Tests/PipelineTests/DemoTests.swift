import ByteJSON
import TestKit
import Testing

/// The demonstration as continuous integration runs it.
@Suite("The demonstration", .serialized)
struct DemoTests {
    @Test("in its own world shows numbers that equal the truth", .timeLimit(.minutes(10)))
    func world() throws {
        let (status, output) = try ServerProcess.run(["demo", "--once", "--json", "--items", "5000"])
        let answer = try JSONDocument(parsing: output).root
        #expect(status == 0, "\(JSONText(answer["checks"]))")
        try Self.addUp(answer)
        #expect(answer["checks"].map { $0.elements.contains { $0["holds"]?.bool != true } } == false)
    }

    @Test(
        "on recorded feedback accounts for every record", .enabled(if: Fixtures.recorded.isPresent),
        .timeLimit(.minutes(10)))
    func corpus() throws {
        let folder = try Fixtures.recorded.path("corpus")
        let (status, output) = try ServerProcess.run(["demo", "--once", "--json", "--corpus", folder])
        #expect(status == 0)
        try Self.addUp(try JSONDocument(parsing: output).root)
    }

    private static func addUp(_ answer: JSONValue) throws {
        func number(_ name: String) throws -> Int64 { try #require(answer[name]?.int64, "\(name)") }
        let settled = try ["stored", "duplicate", "merged", "filtered", "dead"].reduce(0) { $0 + (try number($1)) }
        #expect(try number("accepted") == settled)
        #expect(try number("accepted") > 0)
        #expect(answer["report"]?["totals"]?["feedback"]?.int64 ?? 0 > 0)
    }
}
