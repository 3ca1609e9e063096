public import ByteJSON
public import Client
public import Common

/// Sets a server to work through its HTTP interface alone, as its users would: makes a workspace with five streams,
/// sends signed webhooks, and imports files.
///
/// Everything is sent again until the server has taken it, so that a server which is killed on the way costs time only.
public struct Play: Sendable {
    private let client: APIClient
    private let transport: any HTTPTransport

    public init(client: APIClient, transport: any HTTPTransport) {
        self.client = client
        self.transport = transport
    }

    /// The workspace's streams by channel.
    public struct Stage: Sendable {
        public var workspace: String
        public var streams: [WorldItem.Channel: Stream]

        public struct Stream: Sendable {
            public var id: String
            public var webhookURL: String?
            public var webhookSecret: String?
        }
    }

    /// Makes the workspace that follows all five channels.
    ///
    /// - Parameters:
    ///   - forum: Where the forum (and the issue tracker's interface) is played.
    ///   - query: Reads the topics that this search finds; nil reads all posts.
    public func makeWorkspace(
        named name: String, forum: String, query: String? = nil, pollEvery: String = "15m", backfillSince: String
    ) async throws -> Stage {
        let entities: [(WorldItem.Channel, JSON)] = [
            (
                .forum,
                [
                    "connector": "discourse", "name": "Forum",
                    "config": ["base_url": .string(forum)],
                    "entity": query.map { ["query": .string($0)] } ?? [:], "schedule": ["every": .string(pollEvery)],
                    "backfill_since": .string(backfillSince),
                ]
            ),
            (
                .repository,
                [
                    "connector": "github", "name": "Issues", "config": ["api_url": .string(forum)],
                    "entity": ["repository": .string(RepositoryShape.name)], "schedule": ["every": "never"],
                ]
            ),
            (
                .store,
                [
                    "connector": "app_store", "name": "App Store", "config": ["base_url": .string(forum)],
                    "entity": ["app_id": "1234567890", "country": "us"], "schedule": ["every": "never"],
                ]
            ),
            (.form, ["connector": "standard_webhook", "name": "In-app form"]),
            (
                .survey,
                [
                    "connector": "csv", "name": "Survey",
                    "mapping": [
                        "external_id": "response_id", "created_at": "submitted_at", "rating": "score",
                        "rating_minimum": ["const": 0], "rating_maximum": ["const": 10], "text": "comment",
                        "author_id": "email", "author_name": "name", "author_email": "email", "language": "language",
                    ],
                ]
            ),
        ]
        return try await make(
            name, entities, filters: [["field": "text", "match": "contains", "value": .string(World.spamMark)]])
    }

    /// Makes the workspace that recorded feedback is played into.
    ///
    /// - Parameter forum: Where the forum (and the issue tracker's interface) is played.
    public func makeCorpusWorkspace(forum: String, since: Timestamp) async throws -> Stage {
        try await make(
            "Recorded",
            [
                (
                    .forum,
                    [
                        "connector": "discourse", "name": "Forum",
                        "config": ["base_url": .string(forum)], "entity": [:],
                        "schedule": ["every": "15m"], "backfill_since": .string(String(since.description.prefix(10))),
                    ]
                ),
                (
                    .repository,
                    [
                        "connector": "github", "name": "Issues", "config": ["api_url": .string(forum)],
                        "entity": ["repository": .string(Corpus.repository)], "schedule": ["every": "never"],
                    ]
                ),
                (
                    .store,
                    [
                        "connector": "jsonl", "name": "Game reviews",
                        "mapping": [
                            "external_id": "review_id", "text": "review", "language": "language",
                            "created_at": ["unix": "timestamp_created"], "updated_at": ["unix": "timestamp_updated"],
                            "author_id": "steam_id",
                            "rating": ["map": "voted_up", "values": ["true": 1, "false": 0]],
                            "rating_minimum": ["const": 0], "rating_maximum": ["const": 1],
                        ],
                    ]
                ),
            ], filters: [])
    }

    private func make(_ name: String, _ entities: [(WorldItem.Channel, JSON)], filters: [JSON]) async throws -> Stage {
        let answer = try await client.json(
            "POST", "/CreateWorkspace",
            body: [
                "name": .string(name), "feedback_entities": .array(entities.map(\.1)), "filters": .array(filters),
            ])
        var streams: [WorldItem.Channel: Stage.Stream] = [:]
        for (index, entity) in entities.enumerated() {
            guard let stream = answer["streams"]?[index], let id = stream["stream_id"]?.string else {
                throw PlayError(what: "CreateWorkspace named no stream for \(entity.0.rawValue)")
            }
            streams[entity.0] = .init(
                id: id, webhookURL: stream["webhook_url"]?.string, webhookSecret: stream["webhook_secret"]?.string)
        }
        guard let workspace = answer["workspace_id"]?.string else {
            throw PlayError(what: "CreateWorkspace gave no workspace_id")
        }
        return Stage(workspace: workspace, streams: streams)
    }

    /// How deliveries were answered.
    public struct Answers: Sendable, Hashable {
        /// 202: taken in.
        public var accepted = 0
        /// 200: known already, or nothing to take in.
        public var passed = 0
        /// Sent again because no answer came.
        public var repeated = 0
    }

    /// Posts deliveries, several at once, each until it is taken.
    ///
    /// - Parameter sign: Signs a delivery just before it is sent.
    public func post(
        _ deliveries: [Delivery], to url: String, atOnce: Int = 16, sign: @escaping @Sendable (Delivery) -> Delivery,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Answers {
        try await withThrowingTaskGroup(of: Answers.self) { group in
            var total = Answers()
            var next = 0
            func add() {
                let delivery = deliveries[next]
                next += 1
                group.addTask { try await self.post(delivery, to: url, sign: sign) }
            }
            while next < min(atOnce, deliveries.count) { add() }
            while let answers = try await group.next() {
                total.accepted += answers.accepted
                total.passed += answers.passed
                total.repeated += answers.repeated
                progress(1)
                if next < deliveries.count { add() }
            }
            return total
        }
    }

    private func post(_ delivery: Delivery, to url: String, sign: @Sendable (Delivery) -> Delivery) async throws
        -> Answers
    {
        var answers = Answers()
        while true {
            let signed = sign(delivery)
            var limits = HTTPLimits()
            limits.totalTimeout = .seconds(10)
            do {
                let response = try await transport.send(
                    OutgoingRequest("POST", url, headers: signed.headers, body: signed.body, limits: limits))
                switch response.status {
                case 202:
                    answers.accepted += 1
                    return answers
                case 200, 204:
                    answers.passed += 1
                    return answers
                case 429, 500...599:
                    answers.repeated += 1
                    try await Task.sleep(for: .seconds(response["Retry-After"].flatMap { Double($0) } ?? 0.2))
                default:
                    throw PlayError(
                        what:
                            "a delivery was answered \(response.status): \(String(decoding: response.body, as: UTF8.self))"
                    )
                }
            } catch let error as HTTPTransportError {
                guard error.isTransient else { throw error }
                answers.repeated += 1
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Imports a file of rows in pieces, each until it is taken.
    ///
    /// - Parameter header: A first line that every piece needs (the names of the columns), without its line end.
    public func importFile(
        _ bytes: [UInt8], to stream: String, key: String, contentType: String, hasHeader: Bool, rowsAtOnce: Int = 1000,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        let header = hasHeader && !lines.isEmpty ? Array(lines.removeFirst()) + [0x0A] : []
        var first = 1
        for start in stride(from: 0, to: lines.count, by: rowsAtOnce) {
            let piece = lines[start..<min(start + rowsAtOnce, lines.count)]
            let body = header + piece.flatMap { $0 + [0x0A] }
            while true {
                do {
                    try await client.send(
                        "POST", "/v1/streams/\(stream)/imports", query: [("key", key), ("first_row", String(first))],
                        body: body, contentType: contentType)
                    break
                } catch let failure as APIFailure where failure.isTransient {
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            first += piece.count
            progress(piece.count)
        }
    }

    /// What the server says of a stream.
    public func status(of stream: String) async throws -> JSONValue {
        try await client.json("GET", "/v1/streams/\(stream)/status")
    }
}

/// Something that a play needs did not happen.
public struct PlayError: Error, Sendable, CustomStringConvertible {
    public let what: String
    public init(what: String) { self.what = what }
    public var description: String { what }
}
