import ByteJSON
import Common

/// Goes through the items of a range in the order of time, within one state of the tables. Pages are read as they are
/// needed: memory does not grow with their number.
struct ItemScan {
    private let range: Range<Int64>
    private let filter: ResolvedFilter
    private let reading: ReportReading
    private let page: Int

    init(_ request: ReportRequest, _ reading: ReportReading, page: Int = 5000) throws {
        let zone = try InsightQuestion.zone(request.parameters)
        range = try InsightQuestion.range(request.parameters, zone: zone, now: .now)
        let number = try reading.connection.number(of: Word(.workspace, request.workspace.rawValue)) ?? -1
        filter = try ResolvedFilter(FeedbackFilter(request.parameters), workspace: number, in: reading.connection)
        self.reading = reading
        self.page = page
    }

    /// Hands out the document of each item, which lives as long as the call.
    func forEach(_ body: (JSONView) throws -> Void) throws {
        let all = try count()
        var place = FeedbackPage.Place(timestamp: range.lowerBound - 1, id: Digest128(high: 0, low: 0))
        var seen = 0
        while true {
            try reading.checkStopped()
            var read = 0
            try reading.connection.forEach(
                """
                SELECT \(raw: FactRow.columns), feedback.document FROM fact
                JOIN feedback ON feedback.id = fact.feedback
                WHERE \(filter.condition) AND fact.merged = 0 AND fact.timestamp < \(range.upperBound)
                    AND (fact.timestamp, fact.feedback) > (\(place.timestamp), \(place.id))
                ORDER BY fact.timestamp, fact.feedback LIMIT \(page)
                """
            ) { row in
                let fact = FactRow(row: row)
                read += 1
                if read == page { place = FeedbackPage.Place(timestamp: fact.timestamp, id: fact.feedback) }
                guard filter.admits(fact) else { return }
                try fact.withDocument { bytes in
                    try JSONView.scanning(bytes) { root in Result { try body(root) } }.get()
                }
            }
            seen += read
            reading.progress(all == 0 ? 1 : min(1, Double(seen) / Double(all)))
            if read < page { return }
        }
    }

    private func count() throws -> Int {
        try reading.connection.first(
            """
            SELECT count(*) FROM fact WHERE \(filter.condition) AND fact.merged = 0
                AND fact.timestamp >= \(range.lowerBound) AND fact.timestamp < \(range.upperBound)
            """
        ) { Int($0.integer(0)) } ?? 0
    }

    /// By which engines the items were read, and how many by each.
    func engines() throws -> [String: Int] {
        var engines = EngineCount()
        try forEach { engines.add($0) }
        return engines.rows()
    }
}
