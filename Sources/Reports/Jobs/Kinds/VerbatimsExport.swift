import ByteJSON
import Common
import ServiceKit

/// What people said, item by item in the order of time, as it is stored.
///
/// Pages are read within one state of the tables, and written as they come: memory does not grow with their number.
struct VerbatimsExport: ReportKind {
    let name = "verbatims_export"
    let title = "Verbatims"
    let formats = ReportFormat.allCases
    let parameterNames = ["from", "to", "timezone"] + FeedbackFilter.parameterNames
    let writesReport = true
    /// Items that are read at once.
    var page = 5000

    func pinned(
        _ parameters: Parameters, for workspace: WorkspaceID, now: Timestamp, settings: ReportsSettings
    ) throws -> Parameters {
        _ = try FeedbackFilter(parameters)
        let zone = try InsightQuestion.zone(parameters)
        return parameters.settingRange(try InsightQuestion.range(parameters, zone: zone, now: now), zone)
    }

    func writeData(_ request: ReportRequest, _ reading: ReportReading, to file: inout FileWriter) throws
        -> (rows: Int, engines: [String])
    {
        let connection = reading.connection
        let zone = try InsightQuestion.zone(request.parameters)
        let range = try InsightQuestion.range(request.parameters, zone: zone, now: .now)
        let number = try connection.number(of: Word(.workspace, request.workspace.rawValue)) ?? -1
        let filter = try ResolvedFilter(FeedbackFilter(request.parameters), workspace: number, in: connection)
        let all = try count(range, filter, connection)
        let text = VerbatimText(request.format, title: "\(request.workspace)")
        try file.write(text.head)
        let book = try request.format == .xlsx ? XLSXBook("Verbatims", heads: VerbatimText.heads, to: &file) : nil
        var place = FeedbackPage.Place(timestamp: range.lowerBound - 1, id: Digest128(high: 0, low: 0))
        var seen = 0
        var rows = 0
        var engines: Set<[UInt8]> = []
        while true {
            try reading.checkStopped()
            var read = 0
            try connection.forEach(
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
                place = FeedbackPage.Place(timestamp: fact.timestamp, id: fact.feedback)
                guard filter.admits(fact) else { return }
                let document = fact.document
                let root = try JSONDocument(parsing: document).root
                if let used = root["metadata_attributes"]?["engines"] { engines.insert(Array(used.raw)) }
                if let book {
                    try book.row(VerbatimText.cells(root), to: &file)
                } else {
                    try file.write(text.row(document, root, isFirst: rows == 0))
                }
                rows += 1
            }
            seen += read
            reading.progress(all == 0 ? 1 : min(1, Double(seen) / Double(all)))
            if read < page { break }
        }
        try file.write(text.foot)
        try book?.finish(to: &file)
        return (rows, Self.names(engines))
    }

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {}

    private func count(_ range: Range<Int64>, _ filter: ResolvedFilter, _ connection: any DatabaseConnection) throws
        -> Int
    {
        try connection.first(
            """
            SELECT count(*) FROM fact WHERE \(filter.condition) AND fact.merged = 0
                AND fact.timestamp >= \(range.lowerBound) AND fact.timestamp < \(range.upperBound)
            """
        ) { Int($0.integer(0)) } ?? 0
    }

    /// The engines that several lists name.
    static func names(_ lists: Set<[UInt8]>) -> [String] {
        var names: Set<String> = []
        for list in lists {
            guard let document = try? JSONDocument(parsing: list) else { continue }
            names.formUnion(JSON(document.root).array?.compactMap(\.string) ?? [])
        }
        return names.sorted()
    }
}
