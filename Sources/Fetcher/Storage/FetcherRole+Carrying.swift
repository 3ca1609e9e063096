public import Common

extension FetcherRole {
    /// What of this service's tables belongs to the streams of a workspace that is moved to another installation: where
    /// each is, and what was asked for. Leases stay behind.
    public static func rows(of streams: [StreamID]) -> [WorkspaceRows] {
        ["checkpoint", "progress", "fetch_request"].map {
            WorkspaceRows($0, "stream IN \(list: streams)", isStill: false)
        }
    }
}
