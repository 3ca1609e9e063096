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
        -> (rows: Int, engines: [String: Int])
    {
        let scan = try ItemScan(request, reading, page: page)
        let text = VerbatimText(request)
        try file.write(text.head)
        let book =
            try request.format == .xlsx ? XLSXBook("Verbatims", heads: VerbatimColumns.names, to: &file) : nil
        var engines = EngineCount()
        var rows = 0
        var line: [UInt8] = []
        try scan.forEach { root in
            engines.add(root)
            if let book {
                try book.row(VerbatimColumns.cells(root), to: &file)
            } else {
                line.removeAll(keepingCapacity: true)
                text.append(root, isFirst: rows == 0, to: &line)
                try file.write(line)
            }
            if request.format == .pdf, file.bytes > PagePrinter.maximumPage {
                throw JobFailure.rejected(PagePrinter.tooLong)
            }
            rows += 1
        }
        try file.write(text.foot(isEmpty: rows == 0))
        try book?.finish(to: &file)
        return (rows, engines.rows())
    }

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {}
}
