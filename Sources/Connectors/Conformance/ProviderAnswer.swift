public import ByteJSON

/// One request that a fetcher may send to a provider, and the answer: part of a conformance case.
///
/// ```json
/// {"get": "/posts.json?before=503", "headers": {"ETag": "\"a\""}, "body": {…}}
/// ```
public struct ProviderAnswer: Sendable, Hashable {
    public let path: String
    /// The parameters that a request must have, decoded; it may have others, too.
    public let query: [Parameter]
    public let status: Int
    public let headers: [String: String]
    public let body: JSON

    public struct Parameter: Sendable, Hashable {
        public let name: String
        public let value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Reads an answer; nil if it says no address or has no body.
    init?(_ json: JSON) {
        guard let address = json["get"]?.string ?? json["post"]?.string, address.hasPrefix("/"), let body = json["body"]
        else { return nil }
        let parts = address.split(separator: "?", maxSplits: 1)
        path = String(parts[0])
        query = parts.count < 2 ? [] : Payload.form(Array(parts[1].utf8)).map { Parameter($0.name, $0.value) }
        status = json["status"]?.integer.map { Int(clamping: $0) } ?? 200
        headers = (json["headers"]?.object ?? [:]).compactMapValues(\.string)
        self.body = body
    }

    /// Whether it answers this request.
    public func answers(path: String, query: [Parameter]) -> Bool {
        self.path == path && self.query.allSatisfy(query.contains)
    }
}
