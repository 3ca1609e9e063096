import Testing

@testable import Reports

@Suite struct EmergenceTests {
    private func deviations(_ now: Int, _ before: Int, allNow: Int = 100, allBefore: Int = 100) -> Double? {
        Emergence(minimumPeople: 3, minimumDeviations: 2).topics(
            now: [1: .init(known: now)], before: [1: .init(known: before)], allNow: allNow, allBefore: allBefore
        ).first?.deviations
    }

    @Test func smallBasesSayNothing() {
        #expect(deviations(2, 0) == nil)
        #expect(deviations(3, 1) == nil, "three times as many, and still nothing")
        #expect(deviations(90, 30) != nil, "three times as many of thirty is something")
        #expect(deviations(5, 0) != nil)
        #expect(deviations(110, 100) == nil)
    }

    @Test func growthOfAllIsNoGrowthOfOne() {
        #expect(deviations(90, 30, allNow: 300, allBefore: 100) == nil)
        #expect(deviations(30, 30, allNow: 100, allBefore: 1000) != nil)
        #expect(deviations(30, 0, allNow: 100, allBefore: 0) == nil, "without a period before, all would be new")
    }

    @Test func theStrongestComesFirst() {
        let topics = Emergence(minimumPeople: 3, minimumDeviations: 2).topics(
            now: [1: .init(known: 20), 2: .init(known: 40, unknown: 10), 3: .init(known: 20)], before: [:], allNow: 100,
            allBefore: 100)
        #expect(topics.map(\.topic) == [2, 1, 3])
        #expect(topics[0].now == 50, "everybody unknown is somebody else")
    }
}
