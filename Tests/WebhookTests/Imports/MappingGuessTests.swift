import ByteJSON
import Rows
import Testing

@testable import Webhook

/// Which columns are which fields, where names tell and where they do not.
@Suite struct MappingGuessTests {
    private func fields(_ rows: String...) throws -> [String: String] {
        var sample = RowSample()
        for row in rows { sample.add(try JSONDocument(parsing: Array(row.utf8)).root) }
        let named = MappingGuess(sample).columns.compactMap { column in column.field.map { ($0, column.path) } }
        return Dictionary(uniqueKeysWithValues: named)
    }

    @Test func namesTell() throws {
        let found = try fields(
            #"{"When":"2026-03-04","Last updated":"2026-03-05","Star Rating":"4","Comment":"It stops now and then."}"#)
        #expect(
            found == [
                "created_at": "When", "updated_at": "Last updated", "rating": "Star Rating", "text": "Comment",
            ])
    }

    @Test func theOnlyTimesAndTheLongestSentencesTell() throws {
        let found = try fields(
            #"{"Tag der Abgabe":"13.02.2026","Was fehlt":"Eine Suche, die auch findet.","Wo":"im Laden dort"}"#)
        #expect(found == ["created_at": "Tag der Abgabe", "text": "Was fehlt"])
    }

    @Test func ofTwoTimesNeitherIsTaken() throws {
        let found = try fields(
            #"{"Bestellt":"13.02.2026","Geliefert":"15.02.2026","Comment":"It came late, but well."}"#)
        #expect(found == ["text": "Comment"])
    }
}
