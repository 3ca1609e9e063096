/// Whether a consumer that is given nothing has been forgotten: work waits, and nobody of its group does it.
///
/// A client of a log that is not its own may lose its place in a group without hearing of it, for instance while a
/// broker begins that does not know its topics yet. Joining anew may mend that, and costs little where it was not so.
struct Standstill: Sendable {
    /// How often nothing came, one after another, while the group stood still.
    private(set) var rounds = 0
    private var committed: [Int64] = []
    /// So many rounds are a standstill: one alone may be a batch that takes long.
    static let limit = 2

    /// Notes that nothing came.
    ///
    /// - Parameters:
    ///   - committed: The offsets of the group.
    ///   - lag: How many records wait, by partition.
    /// - Returns: Whether that has been so for too long.
    mutating func nothingCame(committed: [Int64], lag: [Int64]) -> Bool {
        let waits = lag.contains { $0 > 0 }
        rounds = waits && (rounds == 0 || committed == self.committed) ? rounds + 1 : waits ? 1 : 0
        self.committed = committed
        return rounds >= Self.limit
    }

    /// Notes that something came.
    mutating func somethingCame() { rounds = 0 }
}
