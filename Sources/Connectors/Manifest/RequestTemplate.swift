/// One request to the provider.
public struct RequestTemplate: Sendable {
    public var method: String
    public var url: Template
    public var query: [(name: String, value: Template)]
    public var headers: [(name: String, value: Template)]
    public var body: Template?

    public init(
        method: String = "GET", url: Template, query: [(name: String, value: Template)] = [],
        headers: [(name: String, value: Template)] = [], body: Template? = nil
    ) {
        self.method = method
        self.url = url
        self.query = query
        self.headers = headers
        self.body = body
    }
}

/// How requests prove who asks.
public enum Authentication: Sendable {
    case none
    /// Headers that are added where their values are given.
    case headers([(name: String, value: Template)])
    /// HTTP Basic.
    case basic(user: Template, password: Template)
    /// `Authorization: Bearer`; left out where the value is missing, if the connector says so.
    case bearer(token: Template)
}

/// What entities a connection could follow.
public struct Discovery: Sendable {
    public var request: RequestTemplate
    /// Path of the array of entities in the response.
    public var items: String
    /// Fields of the stream's spec, each by an expression over one item.
    public var entity: [(name: String, value: Expression)]
    public var title: Expression

    public init(
        request: RequestTemplate, items: String, entity: [(name: String, value: Expression)], title: Expression
    ) {
        self.request = request
        self.items = items
        self.entity = entity
        self.title = title
    }
}
