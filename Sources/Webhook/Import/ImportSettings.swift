public import ServiceKit

/// The bounds of imports that are jobs.
public struct ImportSettings: Sendable, Hashable {
    /// The folder from which files may be imported without being sent; nil is none.
    public var folder: String?
    /// Bytes of one file.
    public var maximumFileBytes = 64 << 30
    /// Bytes of one file once it is unpacked, and how many times its size it may grow.
    public var maximumUnpackedBytes = 1 << 40
    public var maximumRatio = 1000
    /// Bytes of one row.
    public var maximumRowBytes = 1 << 20
    /// Rows that go on the log at once.
    public var rowsPerBatch = 1000
    /// Imports of a workspace that have not ended.
    public var openImports = 100
    /// Rows that cannot be read, before an import is given up: its mapping is wrong, not its rows.
    public var maximumBadRows = 100_000
    /// Seconds between two times that an import says how far it is.
    public var checkpointSeconds = 1.0
    /// Records behind the last checkpoint that are looked through for rows that are on the log already.
    public var recordsReadAtResume = 500_000
    /// Days that an upload waits to be gone on with, and an import is kept after its end.
    public var keptUploadDays = 7.0
    public var keptDays = 30.0
    /// Bytes of a file elsewhere that are asked for at once.
    public var fetchedBytes = 8 << 20
    /// Seconds for which nothing of it may come.
    public var stallSeconds = 20.0
    /// How its jobs are worked off.
    public var jobs = JobSettings()

    public init() {}
}
