/// How to talk to one kind of provider: one YAML file, `connectors/<name>.yaml`.
///
/// Every layer is used by one service: `spec`, `auth`, `check`, `discover` by Workspace, `read` by Fetcher,
/// `receive` by Webhook, `normalise` by Parser. The file format is `schemas/connector.v1.schema.json`.
public struct Manifest: Sendable {
    /// Lower snake case: `app_store`.
    public var name: String
    public var version: Int
    /// For people: `Apple App Store`.
    public var title: String
    public var summary: String
    public var documentation: String?
    /// What it cannot do, for people.
    public var limitations: [String]
    public var spec: Specification
    public var auth: Authentication
    public var check: RequestTemplate?
    public var discover: Discovery?
    /// The sequences that are polled, in this order; empty for what is only pushed or imported.
    public var read: [ReadSource]
    public var receive: Receiver?
    public var normalise: Normalisation

    public init(
        name: String, version: Int, title: String, summary: String, documentation: String? = nil,
        limitations: [String] = [], spec: Specification = .init(), auth: Authentication = .none,
        check: RequestTemplate? = nil, discover: Discovery? = nil, read: [ReadSource] = [], receive: Receiver? = nil,
        normalise: Normalisation
    ) {
        self.name = name
        self.version = version
        self.title = title
        self.summary = summary
        self.documentation = documentation
        self.limitations = limitations
        self.spec = spec
        self.auth = auth
        self.check = check
        self.discover = discover
        self.read = read
        self.receive = receive
        self.normalise = normalise
    }

    /// `name@version`, as raw events carry it.
    public var identity: String { "\(name)@\(version)" }
}
