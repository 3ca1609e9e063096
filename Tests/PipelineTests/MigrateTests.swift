import ByteJSON
import TestKit
import Testing

/// `earshot migrate`.
@Suite("Migrations by hand")
struct MigrateTests {
    @Test("are shown, applied, and then nothing is pending")
    func migrate() throws {
        let folder = try TemporaryFolder()
        func run(_ arguments: String...) throws -> (status: Int32, json: JSONValue) {
            let (status, output) = try ServerProcess.run(["migrate", "--data", folder.path, "--json"] + arguments)
            return (status, try JSONDocument(parsing: output).root)
        }
        let pending = try run("--check")
        #expect(pending.status == 1)
        #expect(pending.json["up_to_date"]?.bool == false)
        let stores = try #require(pending.json["stores"]).elements.map { $0 }
        #expect(
            stores.compactMap { $0["service"]?.string } == ["workspace", "reports", "parser", "fetcher", "webhook"])
        for store in stores { #expect(store["pending"]?[0]?["number"]?.int64 == 1) }
        #expect(try run("--check").status == 1, "looking changes nothing")

        let applied = try run()
        #expect(applied.status == 0)
        for store in try #require(applied.json["stores"]).elements {
            #expect(store["applied"]?[0]?["title"]?.string?.isEmpty == false)
        }
        let done = try run("--check")
        #expect(done.status == 0)
        #expect(done.json["up_to_date"]?.bool == true)
    }
}
