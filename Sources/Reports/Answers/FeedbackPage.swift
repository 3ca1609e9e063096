import Common

/// A page of feedback, newest first.
struct FeedbackPage: Sendable {
    struct Place: Sendable, Hashable {
        var timestamp: Int64
        var id: Digest128
    }
    /// JSON documents.
    var documents: [[UInt8]]
    /// The last item shown, if there are more.
    var next: Place?
}

extension DatabaseConnection {
    /// What is counted of a workspace, newest first, from behind a place on; cross-posts are not shown again.
    func page(
        _ filter: FeedbackFilter, workspace: WorkspaceID, range: Range<Int64>, after place: FeedbackPage.Place?,
        limit: Int
    ) throws -> FeedbackPage {
        let number = try number(of: Word(.workspace, workspace.rawValue)) ?? -1
        let resolved = try ResolvedFilter(filter, workspace: number, in: self)
        let reach = filter.topics.isEmpty && filter.text == nil ? limit + 1 : 1000
        var found: [FeedbackPage.Place] = []
        var place = place
        var isAtEnd = false
        while found.count <= limit, !isAtEnd {
            var read = 0
            try scanBackwards(range, resolved, after: place, limit: reach) { row in
                read += 1
                place = FeedbackPage.Place(timestamp: row.timestamp, id: row.feedback)
                if resolved.admits(row), let place { found.append(place) }
            }
            isAtEnd = read < reach
        }
        let shown = found.prefix(limit)
        let documents = try documents(of: shown.map(\.id))
        return FeedbackPage(
            documents: shown.compactMap { documents[$0.id] }, next: found.count > limit ? shown.last : nil)
    }

    private func scanBackwards(
        _ range: Range<Int64>, _ filter: ResolvedFilter, after place: FeedbackPage.Place?, limit: Int,
        _ body: (FactRow) throws -> Void
    ) throws {
        let document = filter.text == nil ? "" : ", feedback.document"
        let join = filter.text == nil ? "" : " JOIN feedback ON feedback.id = fact.feedback"
        let behind: SQL =
            place.map { " AND (fact.timestamp, fact.feedback) < (\($0.timestamp), \($0.id))" } ?? ""
        try forEach(
            """
            SELECT \(raw: FactRow.columns + document) FROM fact\(raw: join)
            WHERE \(filter.condition) AND fact.merged = 0 AND fact.timestamp >= \(range.lowerBound)
                AND fact.timestamp < \(range.upperBound)\(behind)
            ORDER BY fact.timestamp DESC, fact.feedback DESC LIMIT \(limit)
            """
        ) { try body(FactRow(row: $0)) }
    }

    private func documents(of ids: [Digest128]) throws -> [Digest128: [UInt8]] {
        var documents: [Digest128: [UInt8]] = [:]
        try forEachChunk(of: ids) { chunk in
            try forEach("SELECT id, document FROM feedback WHERE id IN \(list: chunk)") {
                documents[$0.digest(0)] = $0.blob(1)
            }
        }
        return documents
    }
}
