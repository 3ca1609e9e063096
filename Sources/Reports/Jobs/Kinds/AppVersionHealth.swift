import ByteJSON
import Common
import ServiceKit

/// How each version of the product fares: feedback, mood, stars, and what people speak of.
struct AppVersionHealth: ReportKind {
    let name = "app_version_health"
    let title = "Health of versions"
    let formats = ReportFormat.allCases
    let parameterNames = ["from", "to", "timezone"] + FeedbackFilter.parameterNames
    let writesReport = false
    /// Versions with the most feedback that are told of.
    private static let shown = 50

    func pinned(
        _ parameters: Parameters, for workspace: WorkspaceID, now: Timestamp, settings: ReportsSettings
    ) throws -> Parameters {
        try VerbatimsExport().pinned(parameters, for: workspace, now: now, settings: settings)
    }

    func writeData(_ request: ReportRequest, _ reading: ReportReading, to file: inout FileWriter)
        throws
        -> (rows: Int, engines: [String: Int])
    {
        let connection = reading.connection
        let zone = try InsightQuestion.zone(request.parameters)
        let range = try InsightQuestion.range(request.parameters, zone: zone, now: .now)
        let number = try connection.number(of: Word(.workspace, request.workspace.rawValue)) ?? -1
        let filter = try ResolvedFilter(
            FeedbackFilter(request.parameters), workspace: number, in: connection)
        var versions: [Int64: Version] = [:]
        var rows = 0
        try connection.scan(range, filter, includingMerged: false) { row in
            rows += 1
            if rows.isMultiple(of: 10_000) { try reading.checkStopped() }
            guard row.version != 0 else { return }
            var version = versions[row.version] ?? Version(first: row.timestamp)
            version.tally.add(row.sums, row.sentiment)
            row.forEachTopic { version.topics[$0, default: 0] += 1 }
            versions[row.version] = version
        }
        let most = versions.sorted {
            ($1.value.tally.feedback, $0.key) < ($0.value.tally.feedback, $1.key)
        }
        .prefix(Self.shown)
        let names = try connection.texts(
            of: Set(most.map(\.key) + most.flatMap { $0.value.topics.keys }))
        let list = most.map { key, version in version.json(names[key] ?? "", names, zone) }
            .sorted { Self.isNewer($0["version"]?.string ?? "", $1["version"]?.string ?? "") }
        let data: JSON = [
            "from": .string(LocalTime(instant: range.lowerBound, zone: zone).description),
            "to": .string(LocalTime(instant: range.upperBound, zone: zone).description),
            "timezone": .string(zone.name), "versions": .array(list),
        ]
        try file.write(data.bytes)
        return (rows, try ItemScan(request, reading).engines())
    }

    private struct Version {
        var tally = Tally()
        var topics: [Int64: Int] = [:]
        /// When it was spoken of first, within the range.
        var first: Int64

        init(first: Int64) { self.first = first }

        func json(_ name: String, _ names: [Int64: String], _ zone: ZoneOffsets) -> JSON {
            let most = topics.sorted { ($1.value, names[$0.key] ?? "") < ($0.value, names[$1.key] ?? "") }
                .prefix(5)
            var members: [String: JSON] = [
                "version": .string(name), "feedback": .integer(Int64(tally.feedback)),
                "negative": .integer(Int64(tally.sentiments.negative)),
                "neutral": .integer(Int64(tally.sentiments.neutral)),
                "positive": .integer(Int64(tally.sentiments.positive)),
                "first_seen": .string(LocalTime(instant: first, zone: zone).description),
                "topics": .array(most.map { .string(names[$0.key] ?? "") }),
            ]
            members["net_sentiment"] = tally.netSentiment.map { .double($0) }
            members["average_rating"] = tally.averageRating.map { .double($0) }
            return .object(members)
        }
    }

    /// Whether a version comes after another one: numbers in it are compared as numbers.
    static func isNewer(_ left: String, _ right: String) -> Bool {
        let a = left.split { !$0.isNumber }.map { Int($0) ?? 0 }
        let b = right.split { !$0.isNumber }.map { Int($0) ?? 0 }
        return a == b ? left > right : b.lexicographicallyPrecedes(a)
    }

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {
        let report = JSON(try JSONDocument(parsing: data).root)
        let versions = report["versions"]?.array ?? []
        switch request.format {
        case .json: try file.write(data + [0x0A])
        case .jsonl: for version in versions { try file.write(version.bytes + [0x0A]) }
        case .csv:
            try file.write(CSVText.line(Self.columns.map { .name($0) }))
            for version in versions { try file.write(CSVText.line(Self.cells(version))) }
        case .xlsx:
            let book = try XLSXBook("Versions", heads: Self.columns, to: &file)
            for version in versions { try book.row(Self.cells(version), to: &file) }
            try book.finish(to: &file)
        case .html, .pdf: try file.write(Self.page(report, versions, request))
        }
    }

    private static let columns = [
        "version", "feedback", "negative", "neutral", "positive", "net_sentiment", "average_rating",
        "first_seen", "topics",
    ]

    private static func cells(_ version: JSON) -> [CSVText.Cell] {
        columns.map { name in
            switch version[name] {
            case .integer(let number)?: .number(String(number))
            case .double(let number)?: .number(String(number))
            case .array(let values)?: .text(values.compactMap(\.string).joined(separator: "; "))
            case let value?: .text(value.string ?? "")
            case nil: .name("")
            }
        }
    }

    private static func page(_ report: JSON, _ versions: [JSON], _ request: ReportRequest) -> String {
        let period = InsightReportHTML.period(report["from"]?.string ?? "", report["to"]?.string ?? "")
        let zone = report["timezone"]?.string ?? "UTC"
        let head = HTMLPage.head(
            "How versions fare", [request.heading(period), "By the clock of \(zone).", request.scope])
        guard !versions.isEmpty else {
            return head + HTMLPage.empty("No feedback of this time says which version it is about.") + HTMLPage.foot
        }
        func count(_ version: JSON, _ name: String) -> Int { Int(version[name]?.integer ?? 0) }
        let bars = versions.prefix(24).reversed().map { version in
            SVGChart.Bar(
                label: version["version"]?.string ?? "",
                InsightReport.Sentiments(
                    negative: count(version, "negative"), neutral: count(version, "neutral"),
                    positive: count(version, "positive")))
        }
        var table = HTMLTable([
            .text("version"), .number("feedback"), .number("net sentiment"), .number("stars of 5"),
            .number("first seen", isLess: true), .text("topics", isLess: true),
        ])
        for version in versions {
            table.add([
                version["version"]?.string ?? "", Readable.count(count(version, "feedback")),
                version["net_sentiment"]?.double.map { Readable.signed($0) } ?? "–",
                version["average_rating"]?.double.map { Readable.decimal($0, digits: 2) } ?? "–",
                Readable.day(version["first_seen"]?.string ?? ""),
                (version["topics"]?.array ?? []).prefix(3).compactMap(\.string).joined(separator: ", "),
            ])
        }
        return head + InsightReportHTML.figure(bars, "Feedback by version, the newest on the right") + table.html
            + "<p class=\"soft\">Net sentiment is from −100 to +100. Topics are the three spoken of most.</p>\n"
            + HTMLPage.foot
    }
}
