import Common
import Testing

@testable import PostgresDatabase

@Suite("The parts of the database over PostgreSQL")
struct PostgresValueTests {
    @Test("numbers question marks, but not those in quotes and comments")
    func placeholders() {
        let (text, count) = Placeholders.numbered(
            """
            SELECT ?, '?''?', "a?" -- why?
            WHERE b = ? AND c <> '' AND d = ?
            """)
        #expect(
            text == """
                SELECT $1, '?''?', "a?" -- why?
                WHERE b = $2 AND c <> '' AND d = $3
                """)
        #expect(count == 3)
        #expect(Placeholders.numbered("SELECT 'open ?") == ("SELECT 'open ?", 0))
    }

    @Test("waits twice as long after each failure, up to a bound, and begins anew after a success")
    func backoff() {
        var backoff = Backoff()
        #expect((0..<4).map { _ in backoff.fail(jitter: 1) } == [0.1, 0.2, 0.4, 0.8])
        for _ in 0..<100 { _ = backoff.fail() }
        #expect(backoff.fail(jitter: 1) == Backoff.last)
        backoff.succeed()
        #expect(backoff.fail(jitter: 1) == Backoff.first)
    }

    @Test("cuts rows into pieces by number and by bytes, and loses none")
    func chunks() {
        let rows = BulkRows([.integers((0..<10).map(Int64.init)), .texts((0..<10).map { $0 == 4 ? "0123456789" : "" })])
        #expect(rows.chunks(maximumRows: 4, maximumBytes: 1000) == [0..<4, 4..<8, 8..<10])
        #expect(rows.chunks(maximumRows: 100, maximumBytes: 40) == [0..<2, 2..<4, 4..<5, 5..<7, 7..<9, 9..<10])
        #expect(BulkRows([.integers([])]).chunks() == [])
    }
}
