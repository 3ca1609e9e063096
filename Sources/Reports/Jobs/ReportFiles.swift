import ByteJSON
import Common
import Foundation
import Glibc
import ServiceKit

/// The files of reports, in a folder that all processes of this role share.
///
/// `parts/<report>.<stage>.<attempt>` while a report is made; `<workspace>/<report>.<format>` and
/// `<report>.manifest.json` when it is published.
struct ReportFiles: Sendable {
    let folder: String

    func file(of report: JobID, in workspace: WorkspaceID, _ format: ReportFormat) -> String {
        "\(folder)/\(workspace)/\(report).\(format.rawValue)"
    }

    private func manifest(of report: JobID, in workspace: WorkspaceID) -> String {
        "\(folder)/\(workspace)/\(report).manifest.json"
    }

    /// A file for one stage of one attempt.
    func part(_ context: JobContext) throws -> String {
        try makeFolder("parts")
        return "\(folder)/parts/\(context.job.id).\(context.step).\(context.attemptName)"
    }

    /// Puts a finished part where the report is to be, whole or not at all. Again, it changes nothing.
    func publish(_ part: String, as report: JobID, in workspace: WorkspaceID, _ format: ReportFormat, manifest: JSON)
        throws
    {
        try makeFolder(workspace.rawValue)
        var writer = try FileWriter(path: part + ".manifest")
        try writer.write(manifest.bytes + [0x0A])
        _ = try writer.finish()
        try move(part + ".manifest", to: self.manifest(of: report, in: workspace))
        let file = file(of: report, in: workspace, format)
        // An attempt that did not live to tell may have moved it.
        if access(part, F_OK) == 0 || access(file, F_OK) != 0 { try move(part, to: file) }
        removeParts(of: report)
    }

    /// Removes whatever there is of a report.
    func remove(_ report: JobID, in workspace: WorkspaceID) {
        for format in ReportFormat.allCases { unlink(file(of: report, in: workspace, format)) }
        unlink(manifest(of: report, in: workspace))
        removeParts(of: report)
    }

    /// Removes what attempts left behind, but for some.
    func removeParts(of report: JobID, except kept: [String] = []) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/parts")) ?? []
        for name in names where name.hasPrefix("\(report).") && !kept.contains("\(folder)/parts/\(name)") {
            unlink("\(folder)/parts/\(name)")
        }
    }

    private func makeFolder(_ name: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw JobFailure.unavailable("cannot make the folder \(folder)/\(name): \(error.localizedDescription)")
        }
    }

    private func move(_ part: String, to file: String) throws {
        if rename(part, file) != 0 { throw FileFailure.error("publish", file) }
    }
}
