import Testing

@testable import ServiceKit

@Suite("A consumer that is given nothing")
struct StandstillTests {
    /// What a consumer is told after each time that nothing came.
    private func told(_ rounds: [(committed: [Int64], lag: [Int64])]) -> [Bool] {
        var standstill = Standstill()
        return rounds.map { standstill.nothingCame(committed: $0.committed, lag: $0.lag) }
    }

    @Test("joins anew when work waits and nobody does it, twice in a row")
    func forgotten() {
        #expect(told([([3, 7], [0, 5]), ([3, 7], [0, 9])]) == [false, true])
    }

    @Test("stays while there is no work, or others do it")
    func content() {
        #expect(told((0..<5).map { _ in ([3, 7], [0, 0]) }) == [Bool](repeating: false, count: 5))
        #expect(told((0..<5).map { ([3, Int64($0)], [0, 5]) }) == [Bool](repeating: false, count: 5))
        #expect(told([([3], [1]), ([3], [0]), ([3], [1])]) == [false, false, false])
    }

    @Test("counts anew when something came in between")
    func between() {
        var standstill = Standstill()
        _ = standstill.nothingCame(committed: [3], lag: [1])
        standstill.somethingCame()
        let isOver = standstill.nothingCame(committed: [3], lag: [1])
        #expect(!isOver)
    }
}
