import ByteJSON
import Client
import Common
import CurlTransport
import Foundation
import TestKit
import Testing

/// Kills the program while a file is sent and while its rows are read, and counts what is there at the end.
///
/// `EARSHOT_TEST_IMPORT_ROWS` sets how many rows (100,000 without it), `EARSHOT_TEST_IMPORT_KILLS` how many kills in each
/// half (3).
@Suite("Killed while a file is imported", .serialized)
struct ImportKillTests {
    private static func number(_ name: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    @Test("every row is there once, and the counts are exact", .timeLimit(.minutes(60)))
    func kills() async throws {
        var rows = Self.number("EARSHOT_TEST_IMPORT_ROWS", 100_000)
        let kills = Self.number("EARSHOT_TEST_IMPORT_KILLS", 3)
        // A machine that reads all of them between two looks gets a larger file.
        while try await importing(rows: rows, kills: kills) == 0 { rows *= 4 }
    }

    /// - Returns: How many kills came while some rows, and not all, were on the log.
    private func importing(rows: Int, kills: Int) async throws -> Int {
        let folder = try TemporaryFolder()
        let server = try OneProcessInstallation(data: folder.file("data"))
        try await server.start()
        defer { server.kill() }
        let client = try await server.client(account: "Importer")
        let made = try await client.json(
            "POST", "/CreateWorkspace",
            body: ["name": "Imports", "feedback_entities": [["connector": "csv", "name": "Reviews"]]])
        let workspace = try #require(made["workspace_id"]?.string)
        let stream = try #require(made["streams"]?[0]?["stream_id"]?.string)
        let file = try Self.write(rows: rows, to: folder.file("reviews.csv"))
        let bad = rows / 1000

        let begun = try await client.json(
            "POST", "/v1/imports",
            body: ["stream_id": .string(stream), "key": "k", "size": .integer(Int64(file.count))])
        let id = try #require(begun["import_id"]?.string)
        try await send(file, to: id, client, server, kills: kills)

        let path = "/v1/imports/\(id)"
        try await client.send("POST", path + "/start")
        let started = ContinuousClock.now
        let (places, peak) = try await killWhileRowsAreRead(server, of: rows - bad, kills: kills, folder.path)
        let patience = Self.patience(rows)
        try await waitUntil("the import is over", timeout: patience) {
            try await client.json("GET", path)["state"]?.string != "RUNNING"
        }
        let told = try await client.json("GET", path)
        #expect(told["state"]?.string == "COMPLETED", "\(JSONText(told))")
        #expect(told["rows"]?.int64 == Int64(rows) && told["bad"]?.int64 == Int64(bad))
        #expect(told["accepted"]?.int64 == Int64(rows - bad))
        let list = String(decoding: try await client.send("GET", path + "/bad-rows").body, as: UTF8.self)
        #expect(list.split(separator: "\r\n").count == bad + 1)
        let seconds = (ContinuousClock.now - started).components.seconds
        let memory = max(peak, Self.peakBytes(of: folder.path)) >> 20
        print(
            """
            \(rows) rows, killed when the log had \(places): \(seconds) s, \(told["rows_per_second"]?.int64 ?? 0) rows \
            a second while it ran, \(memory) MB at most
            """)

        try await server.settle(within: patience)
        #expect(try await feedback(of: workspace, client) == rows - bad)
        let doctor = try await server.doctor()
        // The log has each row once: nothing that is there twice had to be told apart.
        #expect(doctor["accepted"]?.int64 == Int64(rows - bad), "\(JSONText(doctor))")
        #expect(doctor["duplicate"]?.int64 == 0 && doctor["dead"]?.int64 == 0, "\(JSONText(doctor))")

        try await client.send("POST", path + "/undo")
        try await waitUntil("the import is undone", timeout: patience) {
            try await client.json("GET", path)["state"]?.string == "UNDONE"
        }
        try await server.settle(within: patience)
        #expect(try await feedback(of: workspace, client) == 0)
        return places.count
    }

    /// What a slow machine may take for one thing that it does with all rows.
    private static func patience(_ rows: Int) -> Duration { .seconds(180 + rows / 500) }

    /// Kills the program again and again, each time when it has put more rows on the log, by what the log says then.
    ///
    /// The time that it has grows until it gets somewhere, and then by how far it got: neither a fast machine nor a slow
    /// one is asked for more than it does.
    ///
    /// - Returns: Rows on the log at the kills that came between the first row and the last; the most memory.
    private func killWhileRowsAreRead(
        _ server: OneProcessInstallation, of rows: Int, kills: Int, _ folder: String
    ) async throws -> (places: [Int], peak: Int) {
        var (places, peak): ([Int], Int) = ([], 0)
        var time = 10.0
        var last = 0
        while places.count < kills {
            try await Task.sleep(for: .milliseconds(time))
            peak = max(peak, Self.peakBytes(of: folder))
            server.kill()
            // The program is dead: this reads its folder.
            let there = Int(try await server.doctor()["accepted"]?.int64 ?? 0)
            try await server.start()
            guard there < rows else { break }
            time *= there == last ? 2 : min(8, Double(rows / (kills + 2)) / Double(there - last))
            if there > last { places.append(there) }
            last = there
        }
        return (places, peak)
    }

    /// Sends the file with kills between, and in the middle of, its parts.
    private func send(
        _ file: [UInt8], to id: String, _ client: APIClient, _ server: OneProcessInstallation, kills: Int
    ) async throws {
        let part = max(1, file.count / (kills * 3))
        let sender = FileSender(client: client, import: id, partBytes: part, patience: .seconds(60))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let (parts, told) = AsyncStream.makeStream(of: Int.self)
            tasks.addTask {
                try await sender.run(
                    size: file.count, read: { Array(file[$0..<min(file.count, $0 + $1)]) },
                    report: { told.yield($0.bytes) })
                told.finish()
            }
            tasks.addTask {
                var killed = 0
                for await bytes in parts where killed < kills && bytes >= part * (killed + 1) && bytes < file.count {
                    killed += 1
                    server.kill()
                    try await server.start()
                }
            }
            try await tasks.waitForAll()
        }
    }

    private static func write(rows: Int, to path: String) throws -> [UInt8] {
        var text = "Review ID;Comment;Stars;Written\r\n"
        for row in 1...rows {
            if row % 1000 == 500 {
                text += "\(row);too;many;fields;here\r\n"
            } else {
                text +=
                    "\(row);\"The export of report \(row) fails,\nand I \"\"like\"\" it\";\(row % 5 + 1);2024-0\(row % 9 + 1)-12\r\n"
            }
        }
        let bytes = Array(text.utf8)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return bytes
    }

    /// The most memory that the program which has this folder ever had, by what Linux tells.
    private static func peakBytes(of folder: String) -> Int {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(name) != nil {
            guard let command = FileManager.default.contents(atPath: "/proc/\(name)/cmdline"),
                String(decoding: command, as: UTF8.self).contains(folder),
                let status = FileManager.default.contents(atPath: "/proc/\(name)/status")
            else { continue }
            let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) << 10
        }
        return 0
    }

    private func feedback(of workspace: String, _ client: APIClient) async throws -> Int {
        let answer = try await client.json(
            "GET", "/GetInsightReports",
            query: [("workspace_id", workspace), ("from", "2000-01-01"), ("to", "2100-01-01"), ("interval", "year")])
        return Int(answer["totals"]?["feedback"]?.int64 ?? -1)
    }
}
