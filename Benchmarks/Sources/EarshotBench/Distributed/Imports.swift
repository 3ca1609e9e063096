import ByteJSON
import Client
import Common
import Demo
import Foundation

/// Invented reviews, each unlike the others, imported in many requests.
struct Imports: Sendable {
    let stream: String
    private let client: APIClient
    private let texts: [String]
    /// Of the first review; the others were said a minute before each other.
    private static let latest: Int64 = 1_790_000_000_000

    init(to stream: String, by client: APIClient) {
        self.stream = stream
        self.client = client
        texts = World.generate(seed: 3, items: 4000).items.filter { $0.fate == .ordinary }.map(\.text)
    }

    /// A row of a file of JSON Lines.
    func line(_ row: Int) -> [UInt8] {
        var w = JSONWriter()
        w.beginObject()
        w.member("id", row)
        w.member("text", "\(texts[row % texts.count]) \(row)")
        w.member("created_at", Timestamp(milliseconds: Self.latest - Int64(row) * 60_000).description)
        w.key("author")
        w.beginObject()
        w.member("id", "\(row % 50_021)")
        w.endObject()
        w.endObject()
        return w.bytes + [0x0A]
    }

    /// Sends rows as fast as they are taken in, two requests at once.
    func send(_ rows: Range<Int>) async throws {
        let chunk = 5000
        try await withThrowingTaskGroup(of: Void.self) { group in
            var next = rows.lowerBound
            func add() {
                guard next < rows.upperBound else { return }
                let piece = next..<min(next + chunk, rows.upperBound)
                next = piece.upperBound
                group.addTask { try await post(piece) }
            }
            for _ in 0..<2 { add() }
            while try await group.next() != nil { add() }
        }
    }

    /// Sends rows at a pace, a request when it is due whether or not those before were answered.
    ///
    /// - Parameter due: Told of the rows of each request and of when it is due, before it is sent.
    func send(
        _ rows: Range<Int>, atPace pace: Int, requestsPerSecond: Int,
        due: @Sendable (Range<Int>, ContinuousClock.Instant) async -> Void
    ) async throws {
        let chunk = max(1, pace / requestsPerSecond)
        let begun = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, start) in stride(from: rows.lowerBound, to: rows.upperBound, by: chunk).enumerated() {
                let time = begun + .seconds(Double(number * chunk) / Double(pace))
                try await Task.sleep(until: time, clock: .continuous)
                let piece = start..<min(start + chunk, rows.upperBound)
                await due(piece, time)
                group.addTask { try await post(piece) }
            }
            try await group.waitForAll()
        }
    }

    private func post(_ rows: Range<Int>) async throws {
        try await client.send(
            "POST", "/v1/streams/\(stream)/imports",
            query: [("key", "bench"), ("first_row", String(rows.lowerBound + 1))], body: rows.flatMap { line($0) },
            contentType: "application/x-ndjson")
    }
}
