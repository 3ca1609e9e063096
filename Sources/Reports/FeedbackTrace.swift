import ByteJSON
public import Common

/// Where a piece of feedback came from and what became of it: the answer of `/v1/feedback/{id}/trace`.
public struct FeedbackTrace: Sendable, Codable, Hashable {
    /// What it is now.
    public enum Status: String, Sendable, Codable {
        /// Counted.
        case stored
        /// A cross-post of ``mergedInto``, which is counted in its place.
        case merged
        /// Gone at the provider.
        case deleted
        /// Kept out by a rule or the policy of the workspace.
        case filtered
    }

    public var id: FeedbackID
    public var workspaceID: WorkspaceID
    public var status: Status
    /// Milliseconds since 1970: the provider's time of change, else of creation.
    public var revision: Int64
    public var contentHash: String
    public var mergedInto: String?
    /// What is merged into it.
    public var crossPosts: [String]
    public var streamID: StreamID?
    public var connector: String?
    /// `pull`, `push` or `import`.
    public var how: String?
    public var engines: [String]
    public var raw: Raw?
    /// In the order of time.
    public var steps: [Step]

    enum CodingKeys: String, CodingKey {
        case id = "unique_identifier", workspaceID = "workspace_id", status, revision, contentHash = "content_hash",
            mergedInto = "merged_into", crossPosts = "cross_posts", streamID = "stream_id", connector, how, engines,
            raw,
            steps
    }

    /// The raw event that it was read from.
    public struct Raw: Sendable, Codable, Hashable {
        public var topic: String
        public var partition: Int
        public var offset: Int64
        public var item: Int
    }

    /// Something that happened to it.
    public struct Step: Sendable, Codable, Hashable {
        public var step: String
        public var at: Timestamp
    }
}

extension FeedbackTrace {
    /// Puts together what the tables know.
    init(
        _ item: StoredItem, id: FeedbackID, workspace: WorkspaceID, feedback: Feedback?, crossPosts: [String],
        storedAt: Timestamp
    ) {
        self.id = id
        workspaceID = workspace
        status =
            switch item.state {
            case .live: item.mergedInto == nil ? .stored : .merged
            case .deleted: .deleted
            case .filtered: .filtered
            }
        revision = item.revision.number
        contentHash = item.revision.hash.hexadecimal
        mergedInto = item.mergedInto.map { FeedbackID($0).rawValue }
        self.crossPosts = crossPosts
        streamID = feedback?.source.stream
        connector = feedback?.connector
        how = feedback?.source.how
        engines = feedback?.engines ?? []
        raw = feedback.map {
            Raw(topic: Topic.raw.name, partition: $0.raw.partition, offset: $0.raw.offset, item: $0.raw.item)
        }
        steps = []
        if let feedback {
            steps.append(Step(step: "said", at: feedback.timestamp))
            if let editedAt = feedback.editedAt { steps.append(Step(step: "edited", at: editedAt)) }
            steps.append(Step(step: "collected", at: feedback.collectedAt))
        }
        steps.append(
            Step(step: item.state == .live ? "stored" : item.state == .deleted ? "deleted" : "filtered", at: storedAt))
    }
}

extension DatabaseConnection {
    /// What became of an item, and its workspace; nil if it never was.
    func trace(_ id: FeedbackID) throws -> FeedbackTrace? {
        guard let digest = id.digest, let item = try item(digest),
            let workspace = try workspace(number: item.workspace)
        else { return nil }
        let row = try first("SELECT document, stored_at FROM feedback WHERE id = \(digest)") { row in
            (row.blob(0), Timestamp(milliseconds: row.integer(1)))
        }
        guard let (document, storedAt) = row else { return nil }
        var crossPosts: [String] = []
        if let key = item.mergeKey {
            crossPosts = try query(
                "SELECT id FROM feedback WHERE merge_key = \(key) AND merged_into = \(digest) ORDER BY timestamp, id LIMIT 100"
            ) { FeedbackID($0.digest(0)).rawValue }
        }
        return FeedbackTrace(
            item, id: id, workspace: workspace,
            feedback: document.isEmpty ? nil : try? Feedback(JSONDocument(parsing: document).root),
            crossPosts: crossPosts, storedAt: storedAt)
    }

    /// The document of an item and its workspace; empty if the item is gone, nil if it never was.
    func document(of id: FeedbackID) throws -> (workspace: WorkspaceID, document: [UInt8])? {
        guard let digest = id.digest else { return nil }
        let row = try first("SELECT workspace, document FROM feedback WHERE id = \(digest)") {
            ($0.integer(0), $0.blob(1))
        }
        guard let row, let workspace = try workspace(number: row.0) else { return nil }
        return (workspace, row.1)
    }

    private func workspace(number: Int64) throws -> WorkspaceID? {
        try texts(of: [number])[number].flatMap { WorkspaceID($0) }
    }
}
