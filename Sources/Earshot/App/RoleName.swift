/// The runnable parts of the binary, in the order in which they start: what is asked for first is there first.
enum RoleName: String, CaseIterable, Sendable {
    case workspace, reports, parser, webhook, fetcher

    /// Where it listens if it runs apart and no port is set.
    var port: Int {
        switch self {
        case .workspace: 8081
        case .reports: 8082
        case .parser: 8083
        case .webhook: 8084
        case .fetcher: 8085
        }
    }

    /// What it does, in a line.
    var summary: String {
        switch self {
        case .workspace: "accounts, tokens, workspaces, connections, streams: POST /CreateWorkspace"
        case .reports: "stores feedback and answers questions: /GetInsightReports, /v1/feedback, /v1/events"
        case .parser: "turns raw events into feedback; dead letters, reprocessing"
        case .webhook: "takes in what is pushed and imported: POST /hooks/{stream}"
        case .fetcher: "reads sources on a schedule; several share the streams"
        }
    }
}
