import Common
import ServiceKit

/// One topic: how much is said of it, how that moves, where it comes from, and what people say.
struct TopicDeepDive: InsightReportKind {
    let name = "topic_deep_dive"
    let title = "Topic deep-dive"
    let parameterNames = InsightSummary().parameterNames.filter {
        $0 != "group_by" && $0 != "compare"
    }
    let summary = InsightSummary(
        preset: [
            ("group_by", "source"), ("group_by", "language"), ("group_by", "product_version"),
            ("group_by", "intent"),
            ("compare", "previous_period"),
        ], quotes: 20)

    func pinned(
        _ parameters: Parameters, for workspace: WorkspaceID, now: Timestamp, settings: ReportsSettings
    ) throws -> Parameters {
        guard parameters.list("topic").count == 1 else {
            throw Problem.badParameter("topic", "is missing: name the one topic that it is about")
        }
        return try summary.pinned(parameters, for: workspace, now: now, settings: settings)
    }

    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws {
        let topic = request.parameters.list("topic").first ?? ""
        try summary.render(request, data: data, to: &file) { report in
            // What goes with the topic is said under another head than what people speak of at large.
            var report = report
            report.topics.removeAll { $0.topic == topic }
            return InsightReportHTML.page(
                report, request, title: "What customers say of \(topic)", topics: "Said with it")
        }
    }
}
