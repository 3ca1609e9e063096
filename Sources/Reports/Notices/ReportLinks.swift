import Common
import ServiceKit

/// Links to the files of reports that open without a token, for some days.
struct ReportLinks: Sendable {
    let publicURL: String
    let directory: Directory
    let vault: Vault
    /// How long a link is good for.
    let seconds: Double
    let now: @Sendable () -> Timestamp

    func file(_ report: JobID, of workspace: WorkspaceID) throws -> String {
        guard let key = directory.current.workspaces[workspace]?.sealedKey else {
            throw JobFailure.rejected("\(workspace) is deleted")
        }
        return "\(publicURL)/v1/reports/\(report)/file?" + (try query("file \(report)", key))
    }

    func isValid(_ signature: String, until: String?, report: JobID, of workspace: WorkspaceID) -> Bool {
        isValid(signature, until, "file \(report)", workspace)
    }

    /// The feedback behind an alert.
    func verbatims(_ alert: AlertID, of workspace: WorkspaceID) throws -> String {
        guard let key = directory.current.workspaces[workspace]?.sealedKey else {
            throw JobFailure.rejected("\(workspace) is deleted")
        }
        return "\(publicURL)/v1/alerts/\(alert)/verbatims?" + (try query("verbatims \(alert)", key))
    }

    func isValid(_ signature: String, until: String?, alert: AlertID, of workspace: WorkspaceID) -> Bool {
        isValid(signature, until, "verbatims \(alert)", workspace)
    }

    private func query(_ what: String, _ sealedKey: String) throws -> String {
        let until = String(now().advanced(bySeconds: seconds).milliseconds / 1000)
        return "expires=\(until)&signature=\(try vault.signature(of: "\(what) \(until)", sealedKey: sealedKey))"
    }

    private func isValid(_ signature: String, _ until: String?, _ what: String, _ workspace: WorkspaceID) -> Bool {
        guard let until, let seconds = Int64(until), now() < Timestamp(seconds: seconds),
            let record = directory.current.workspaces[workspace], !record.isDeleted
        else { return false }
        return vault.isValid(signature, of: "\(what) \(until)", sealedKey: record.sealedKey)
    }
}
