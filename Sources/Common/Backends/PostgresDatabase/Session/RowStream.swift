import CPQ

/// The rows of a statement, read off the connection one by one, so that a long result is never in memory as a whole.
///
/// Where another statement is run between two rows, the rest is kept in memory.
final class RowStream {
    private let session: Session
    private let text: String
    private var kept: [QueryResult] = []
    private var position = 0
    private var isOver = false

    init(session: Session, text: String) {
        self.session = session
        self.text = text
    }

    func next() throws -> QueryResult? {
        if position < kept.count {
            position += 1
            return kept[position - 1]
        }
        return try receive()
    }

    /// Takes the rest into memory.
    func keep() throws {
        while let row = try receive() { kept.append(row) }
    }

    /// Takes the rest and forgets it.
    func abandon() { while (try? receive()) != nil {} }

    private func receive() throws -> QueryResult? {
        guard !isOver else { return nil }
        isOver = true
        guard let row = try session.receive(text) else { return nil }
        isOver = false
        return row
    }
}
