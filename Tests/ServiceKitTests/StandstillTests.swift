import Testing

@testable import ServiceKit

@Suite("A consumer that is given nothing")
struct StandstillTests {
    @Test("joins anew when work waits and nobody does it, twice in a row")
    func forgotten() {
        var standstill = Standstill()
        #expect(!standstill.nothingCame(committed: [3, 7], lag: [0, 5]))
        #expect(standstill.nothingCame(committed: [3, 7], lag: [0, 9]))
    }

    @Test("stays while there is no work, others do it, or something came in between")
    func content() {
        var standstill = Standstill()
        for _ in 0..<5 { #expect(!standstill.nothingCame(committed: [3, 7], lag: [0, 0])) }
        for offset in 0..<5 { #expect(!standstill.nothingCame(committed: [3, Int64(offset)], lag: [0, 5])) }
        standstill.somethingCame()
        #expect(!standstill.nothingCame(committed: [3, 4], lag: [0, 5]))
        #expect(standstill.nothingCame(committed: [3, 4], lag: [0, 5]))
    }
}
