import Common
import ServiceKit

/// A kind that is an insight summary of a question of its own, told in its own way: it says how in
/// ``ReportKind/render(_:data:to:)``.
protocol InsightReportKind: ReportKind {
    var summary: InsightSummary { get }
}

extension InsightReportKind {
    var formats: [ReportFormat] { summary.formats }
    var writesReport: Bool { summary.writesReport }

    func pinned(
        _ parameters: Parameters, for workspace: WorkspaceID, now: Timestamp, settings: ReportsSettings
    ) throws -> Parameters {
        try summary.pinned(parameters, for: workspace, now: now, settings: settings)
    }

    func writeData(
        _ request: ReportRequest, _ reading: ReportReading, to file: inout FileWriter
    ) throws -> (rows: Int, engines: [String: Int]) {
        try summary.writeData(request, reading, to: &file)
    }
}
