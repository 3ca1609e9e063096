import ArgumentParser
import ByteJSON
import Client
import Common

/// What all commands that list things of a workspace take.
struct ListOptions: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @Option(help: "Of this workspace.") var workspace: String?
    @Option(help: "How many at most.") var limit = 20
    @Flag(help: "Print JSON, one a line.") var json = false

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    /// Reads page by page and prints.
    func print(
        _ path: String, member: String, _ query: [(String, String?)] = [], _ line: (JSONValue) -> String
    ) async throws {
        let client = try server.client()
        let asked = (query + [("workspace_id", workspace)]).compactMap { name, value in value.map { (name, $0) } }
        var shown = 0
        var cursor: String?
        repeat {
            var query = asked + [("limit", String(min(100, limit - shown)))]
            if let cursor { query.append(("cursor", cursor)) }
            let page = try await client.json("GET", path, query: query)
            for one in page[member]?.elements.map({ $0 }) ?? [] {
                Swift.print(json ? String(decoding: one.raw, as: UTF8.self) : line(one))
                shown += 1
            }
            cursor = page["next_cursor"]?.string
        } while cursor != nil && shown < limit
        if shown == 0, !json { Swift.print("none") }
    }
}
