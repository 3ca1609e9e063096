import ByteJSON
import Common
import Notices
import ServiceKit

/// A kind of report that is made as a job: one file in `Kinds/`, and one line in ``ReportKinds``.
///
/// It reads from the connection it is handed and writes to the file it is handed, and does nothing else.
protocol ReportKind: Sendable {
    /// How requests name it: `verbatims_export`.
    var name: String { get }
    /// How people name it: `Verbatims`.
    var title: String { get }
    var formats: [ReportFormat] { get }
    var parameterNames: [String] { get }

    /// Checks the parameters, and writes down what they leave open: the range that is meant today, for one.
    func pinned(_ parameters: Parameters, for workspace: WorkspaceID, now: Timestamp, settings: ReportsSettings) throws
        -> Parameters

    /// Reads one state of the tables.
    ///
    /// - Returns: How many rows of feedback it is made from, and how many of them each engine read, by
    ///   its name and version.
    func writeData(_ request: ReportRequest, _ reading: ReportReading, to file: inout FileWriter) throws
        -> (rows: Int, engines: [String: Int])

    /// Makes the report from what ``writeData(_:_:to:)`` wrote; nothing is to be done where that is the report already.
    func render(_ request: ReportRequest, data: [UInt8], to file: inout FileWriter) throws
    /// Whether ``writeData(_:_:to:)`` writes the report itself.
    var writesReport: Bool { get }
}

/// The kinds there are.
enum ReportKinds {
    static let all: [any ReportKind] = [
        InsightSummary(),
        VerbatimsExport(),
        TopicDeepDive(),
        PeriodComparison(),
        AppVersionHealth(),
        VoiceOfCustomerDigest(),
    ]

    static func named(_ name: String) -> (any ReportKind)? { all.first { $0.name == name } }
}

/// What a kind reads from.
struct ReportReading {
    let connection: any DatabaseConnection
    let settings: ReportsSettings
    /// Tells how far it is, from 0 to 1.
    let progress: (Double) -> Void
    /// Throws if it is to stop.
    let checkStopped: () throws -> Void
}

/// How a report's file is written.
enum ReportFormat: String, Sendable, CaseIterable {
    case csv, jsonl, json, html, xlsx, pdf

    var contentType: String {
        switch self {
        case .csv: "text/csv; charset=utf-8; header=present"
        case .jsonl: "application/x-ndjson"
        case .json: "application/json"
        case .html: "text/html; charset=utf-8"
        case .xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        case .pdf: "application/pdf"
        }
    }

    /// The format that a request names.
    ///
    /// - Parameter prints: Whether this machine makes PDF.
    /// - Throws: ``Refusal`` if the kind does not have it, or this machine does not make it.
    static func named(_ text: String, for kind: any ReportKind, prints: Bool) throws(Refusal) -> ReportFormat {
        guard let format = ReportFormat(rawValue: text.lowercased()), kind.formats.contains(format) else {
            if text.lowercased() == "parquet" {
                throw Refusal(reason: "is parquet, for which there is no kept library; ask for csv or jsonl")
            }
            let hint = Suggestion.hint(for: text, among: kind.formats.map(\.rawValue))
            throw Refusal(reason: "is \(text); \(hint)")
        }
        if format == .pdf, !prints { throw Refusal(reason: "is pdf: \(PagePrinter.missing)") }
        return format
    }

    /// Why a format cannot be had.
    struct Refusal: Error { let reason: String }
}

/// What was asked for, with nothing left open: the payload of the job.
struct ReportRequest: Sendable {
    var kind: String
    var workspace: WorkspaceID
    var format: ReportFormat
    var parameters: Parameters
    /// Who is told when it is there.
    var notify: [Recipient] = []
    /// Whether nobody is told of a report without feedback.
    var skipsEmpty = false
    /// How people call the workspace; known where the report is made.
    var workspaceName: String?

    var payload: JSON {
        var members: [String: JSON] = [
            "kind": .string(kind), "format": .string(format.rawValue), "parameters": parameters.json,
        ]
        if !notify.isEmpty { members["notify"] = .array(notify.map { .string($0.text) }) }
        if skipsEmpty { members["skip_if_empty"] = true }
        return .object(members)
    }

    init(kind: String, workspace: WorkspaceID, format: ReportFormat, parameters: Parameters) {
        self.kind = kind
        self.workspace = workspace
        self.format = format
        self.parameters = parameters
    }

    /// What the report's file is called.
    func fileName(of report: JobID) -> String { "\(kind)-\(report).\(format.rawValue)" }

    /// - Throws: ``JobFailure/defect(_:)`` if the job is none of a report.
    init(_ job: Job) throws {
        guard let workspace = job.workspace, let kind = job.payload["kind"]?.string,
            let format = job.payload["format"]?.string.flatMap(ReportFormat.init(rawValue:)),
            let parameters = job.payload["parameters"]
        else { throw JobFailure.defect("\(job.id) has no request of a report") }
        self.init(kind: kind, workspace: workspace, format: format, parameters: Parameters(parameters))
        notify = (job.payload["notify"]?.array ?? []).compactMap { $0.string.flatMap { Recipient($0) } }
        skipsEmpty = job.payload["skip_if_empty"]?.bool ?? false
    }
}
