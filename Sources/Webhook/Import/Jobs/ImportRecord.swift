import ByteJSON
import Common
import Rows

/// An import, as it is kept.
struct ImportRecord: Sendable, Codable {
    let id: ImportID
    let workspace: WorkspaceID
    let stream: StreamID
    /// Names the file: rows that are sent again under it are the same rows.
    var key: String
    /// What the file is called, for people.
    var name: String
    let createdAt: Timestamp
    var state: ImportState
    /// Why it is there, where that is not plain.
    var reason: String?
    let source: Source
    /// Bytes of the file; nil before they are known.
    var size: Int?
    /// In hexadecimal: what the sender says, then what came.
    var sha256: String?
    var upload: Upload?
    var options: Options
    /// Begin as soon as the file is there.
    var startsItself = false
    /// How the rows are written, decided when it was started first.
    var dialect: RowDialect?
    /// The mapping that its rows are read with, laid over the stream's; decided then too.
    var mapping: [String: JSON] = [:]
    /// The job that works on it.
    var job: JobID?
    /// Who may write how far it is: one attempt of a job.
    var runner: String?
    var isDryRun = false
    var progress = Progress()
    /// What the last dry run came to.
    var check: Progress?
    var undo: Undo?

    /// Where the file is.
    enum Source: Sendable, Codable, Hashable {
        /// It is sent to us.
        case upload
        /// In the operator's folder of imports.
        case path(String)
        case url(String)
    }

    /// A file that is being sent.
    struct Upload: Sendable, Codable, Hashable {
        /// The storage's name of it; nil before the first byte.
        var id: String?
        /// Bytes that are kept.
        var offset = 0
        /// What the first answer called the file, if it comes from an address, and how large it is there.
        var etag: String?
        var total: Int?
    }

    /// What the request said of the file.
    struct Options: Sendable, Codable, Hashable {
        var format: RowFormat?
        /// `,`, `;`, `tab` or `|`.
        var separator: String?
        var hasHeader: Bool?
        var mapping: [String: JSON] = [:]
        /// Whether columns that nobody named are guessed.
        var guesses = true
    }

    /// How far the rows are.
    struct Progress: Sendable, Codable, Hashable {
        var rows = 0
        /// Rows that are on the log, those of before a restart as well.
        var accepted = 0
        /// Of them, those that the connector leaves out by its own rule.
        var leftOut = 0
        /// Rows that cannot be read: they are in the file of bad rows.
        var bad = 0
        /// Bytes of the file that were read.
        var bytes = 0
        /// Seconds that somebody worked on it.
        var seconds = 0.0
        /// Where to go on; nil before the first row.
        var place: RowCheckpoint?
        /// Ends of the log's partitions: all rows up to ``place`` lie before them.
        var ends: [Int64] = []
        /// Ends of the log's partitions when it began.
        var starts: [Int64] = []
    }

    /// How far the withdrawing is.
    struct Undo: Sendable, Codable, Hashable {
        /// The next offset of each partition, and where it ends.
        var next: [Int64]
        var ends: [Int64]
        var withdrawn = 0
    }
}

extension ImportRecord {
    /// Where its file is kept.
    var fileKey: FileKey {
        guard let key = FileKey(workspace, "imports/\(id)") else { preconditionFailure("\(id) is no part of a path") }
        return key
    }

    /// Has something happen to it.
    ///
    /// - Throws: ``ImportConflict`` if that cannot happen where it is.
    mutating func apply(_ event: ImportState.Event, reason: String? = nil) throws(ImportConflict) {
        guard let next = state.after(event) else { throw ImportConflict(id: id, state: state, event: event) }
        state = next
        self.reason = reason
    }
}

/// What cannot happen to an import where it is.
struct ImportConflict: Error, CustomStringConvertible {
    let id: ImportID
    let state: ImportState
    let event: ImportState.Event

    var description: String {
        let wanted =
            switch event {
            case .uploaded: "takes no more of its file"
            case .started: "cannot be started"
            case .paused: "cannot be paused"
            case .cancelled: "cannot be cancelled"
            case .undoingBegan: "cannot be undone"
            case .checked, .finished, .failed, .undone: "cannot end"
            }
        return "\(id) is \(state.rawValue) and \(wanted)"
    }
}

/// A row that cannot be read.
struct BadRow: Sendable, Hashable {
    let row: Int
    let line: Int
    /// The column that is to blame, where one is.
    let column: String?
    let reason: String
    /// The row itself, its beginning if it is long.
    let original: [UInt8]
}
