import ByteJSON
import Common
import Connectors
import Rows
import Testing

/// Tables that people exported, read by the `csv` connector with a mapping of their columns.
@Suite(.enabled(if: Recorded.folder != nil, "set EARSHOT_FIXTURES to the folder of recorded payloads"))
struct RecordedTableTests {
    /// The rows of a table as they are imported, each as what becomes of it.
    private func outcomes(of path: String, mapping: JSON) throws -> [MappingOutcome] {
        let mapper = try Recorded.mapper("csv", mapping: mapping)
        var reader = RowReader()
        reader.feed(try Recorded.text(path))
        reader.finish()
        var outcomes: [MappingOutcome] = []
        while let row = reader.next() {
            let headers: RecordHeaders = [
                RawHeader.how: "import", RawHeader.receivedAt: "2024-01-01T00:00:00Z",
                RawHeader.delivery: "table:\(row.number)",
            ]
            outcomes += mapper.map(try reader.json(of: row), headers: headers)
        }
        return outcomes
    }

    @Test func aTableOfIssuesHasCellsOfManyLines() throws {
        let mapping: JSON = [
            "title": "title", "text": "body", "format": ["const": "markdown"], "kind": ["const": "issue"],
            "created_at": "created_at", "labels": "label", "thread_id": "repo", "external_id": "headers.delivery",
            "custom": ["repository": "repo"],
        ]
        let items = try outcomes(of: "csv_import/github_issues.csv", mapping: mapping).map { try #require($0.mapped) }
        #expect(items.count == 40)
        #expect(Set(items.map(\.externalID)).count == 40)
        for item in items {
            #expect(item.kind == .issue)
            #expect(item.format == .markdown)
            #expect(item.labels == ["bug"])
            #expect(item.title?.isEmpty == false)
            #expect(!item.timeIsAssumed)
            #expect(item.custom["repository"] == "facebook/react")
            #expect(item.createdAt > Timestamp(seconds: 1_600_000_000))
        }
        let first = try #require(items.first)
        // Without a zone a time is read as UTC.
        #expect(first.createdAt == Timestamp("2023-08-26T06:33:37Z"))
        #expect(
            first.title == #"[DevTools Bug] Cannot add node "1" because a node with that id is already in the Store."#)
        #expect(first.text.hasPrefix("### Website or app\n\nPrivate repo cannot give access to application\n"))
        #expect(first.text.contains(#"label:"Component: Developer Tools""#), "doubled quotation marks are one")
        #expect(items.last?.createdAt == Timestamp("2022-08-12T09:17:28Z"))
    }

    @Test func theConsolesExportIsUTF16() throws {
        let mapping: JSON = [
            "external_id": ["before": ["after": "Review Link", "mark": "reviewId="], "mark": "&"],
            "text": "Review Text", "title": "Review Title", "kind": ["const": "review"],
            "created_at": ["unix_ms": "Review Submit Millis Since Epoch"],
            "updated_at": "Review Last Update Date and Time", "rating": "Star Rating",
            "rating_minimum": ["const": 1], "rating_maximum": ["const": 5], "language": "Reviewer Language",
            "product_version": "App Version Name", "platform": ["const": "android"], "url": "Review Link",
            "custom": ["device": "Device", "package": "Package Name"],
        ]
        let items = try outcomes(of: "csv_import/google_play_console_reviews_utf16le.csv", mapping: mapping)
            .map { try #require($0.mapped) }
        #expect(items.count == 1)
        let review = try #require(items.first)
        #expect(review.externalID == "gp%3AAOqpTOE")
        #expect(review.text.hasPrefix("WHAT KIND OF ALARM TIMES OUT WHEN YOU DON'T TOUCH IT."))
        #expect(review.title == nil, "an empty cell is none")
        #expect(review.rating == 3)
        #expect(review.ratingScale == Feedback.RatingScale(1, 5))
        #expect(review.language == "en")
        #expect(review.createdAt == Timestamp(milliseconds: 1_486_482_936_525))
        #expect(review.updatedAt == Timestamp("2017-02-07T15:55:36Z"))
        #expect(review.productVersion == "20161122")
        #expect(review.custom["device"] == "heroqltevzw")
        #expect(review.custom["package"] == "com.example.alarm")
    }
}
