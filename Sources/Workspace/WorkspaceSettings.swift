public import ServiceKit

/// What an operator may set of the Workspace service.
public struct WorkspaceSettings: Sendable {
    /// Seconds between two polls of a stream that says nothing about it.
    public var defaultPollSeconds: Int
    /// Seconds between two polls that are asked for at least.
    public var minimumPollSeconds: Int
    /// Seconds that a provider has to answer a check or a discovery.
    public var checkTimeout: Int
    /// Whether a connection is tried at its provider before anything is made.
    public var checksProviders: Bool
    /// How this process works off jobs.
    public var jobs = JobSettings()

    public init(
        defaultPollSeconds: Int = 900, minimumPollSeconds: Int = 1, checkTimeout: Int = 20, checksProviders: Bool = true
    ) {
        self.defaultPollSeconds = defaultPollSeconds
        self.minimumPollSeconds = minimumPollSeconds
        self.checkTimeout = checkTimeout
        self.checksProviders = checksProviders
    }
}
