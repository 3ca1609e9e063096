import ByteJSON
import Common
import Foundation
import ServiceKit

/// The answer of `GetInsightReports` as a file.
struct InsightSummary: ReportKind {
    let name = "insight_summary"
    let title = "Insight summary"
    let formats = ReportFormat.allCases
    let parameterNames = InsightQuestion.parameterNames.filter { $0 != "workspace_id" }
    let writesReport = false

    /// What is asked besides, whatever the request says.
    var preset: [(name: String, value: String)] = []
    /// How many voices; nil is as many as in an answer.
    var quotes: Int?

    func pinned(
        _ parameters: Parameters, for workspace: WorkspaceID, now: Timestamp, settings: ReportsSettings
    ) throws -> Parameters {
        let parameters = parameters.setting(preset)
        let question = try InsightQuestion(parameters, workspace: workspace, now: now, settings: settings)
        return parameters.settingRange(question.range, question.zone)
    }

    func writeData(_ request: ReportRequest, _ reading: ReportReading, to file: inout FileWriter) throws
        -> (rows: Int, engines: [String: Int])
    {
        var settings = reading.settings
        settings.quotes = quotes ?? settings.quotes
        let question = try InsightQuestion(
            request.parameters, workspace: request.workspace, now: .now, settings: settings)
        let report = try InsightAnswer(question, in: reading.connection, settings: settings).report()
        try file.write(try Self.encoded(report).bytes)
        return (report.totals.feedback, try ItemScan(request, reading).engines())
    }

    /// Without the coverage, which is no matter of the tables: the manifest tells it.
    private static func encoded(_ report: InsightReport) throws -> JSON {
        var members = try JSON(encoding: report).object ?? [:]
        members["coverage"] = nil
        return .object(members)
    }

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {
        try render(request, data: data, to: &file) { InsightReportHTML.page($0, request) }
    }

    /// - Parameter page: How it is told as a page.
    func render(
        _ request: ReportRequest, data: [UInt8], to file: inout FileWriter, page: (InsightReport) -> String
    ) throws {
        let members = JSON(try JSONDocument(parsing: data).root).object ?? [:]
        switch request.format {
        case .json: try file.write(data + [0x0A])
        case .jsonl:
            for (part, value) in members.sorted(by: { $0.key < $1.key }) {
                for one in value.array ?? [value] {
                    try file.write(JSON.object(["part": .string(part), "value": one]).bytes + [0x0A])
                }
            }
        case .csv:
            for line in InsightReportTable.lines(try Self.decoded(members)) { try file.write(CSVText.line(line)) }
        case .xlsx:
            let lines = InsightReportTable.lines(try Self.decoded(members))
            let book = try XLSXBook("Report", heads: (lines.first ?? []).map(\.text), to: &file)
            for line in lines.dropFirst() { try book.row(line, to: &file) }
            try book.finish(to: &file)
        case .html, .pdf: try file.write(page(try Self.decoded(members)))
        }
    }

    private static func decoded(_ members: [String: JSON]) throws -> InsightReport {
        var members = members
        members["coverage"] = try JSON(
            encoding: InsightReport.Coverage(streams: [], inFlight: 0, deadLetters: 0))
        return try JSONDecoder().decode(InsightReport.self, from: Data(JSON.object(members).bytes))
    }
}
