import Common
import Demo
import Testing

@Suite("The invented world")
struct WorldTests {
    static let world = World.generate()

    @Test("is the same from the same seed, and another from another")
    func deterministic() {
        let again = World.generate()
        #expect(again.items.map(\.text) == Self.world.items.map(\.text))
        #expect(
            World.generate(seed: 7, items: 500).items.map(\.text)
                != World.generate(seed: 8, items: 500).items.map(\.text))
    }

    @Test("holds everything that the demonstration promises")
    func contents() {
        let items = Self.world.items
        #expect((19_500...20_500).contains(items.count))
        #expect(Set(items.map(\.channel)).count == 5)
        #expect(Set(items.map(\.language)).count == 5)
        #expect(items.filter { $0.fate == .spam }.count > 100)
        #expect(items.filter { if case .crossPost = $0.fate { true } else { false } }.count > 50)
        #expect(items.filter { if case .malformed = $0.fate { true } else { false } }.count > 20)
        #expect(items.filter { $0.fate == .notFeedback }.count > 5)
        #expect(items.filter { $0.edit != nil }.count > 50)
        #expect(items.filter(\.isDeleted).count > 20)
        #expect(items.filter(\.isLate).count == 40)
        #expect(items.allSatisfy { $0.time >= World.start && $0.time < World.end })
    }

    @Test("says nothing long twice by accident")
    func noAccidentalCrossPosts() {
        var seen: Set<String> = []
        for item in Self.world.items where item.fate == .ordinary {
            #expect(seen.insert(item.text.lowercased()).inserted, "\(item.text)")
        }
    }

    @Test("has a spike after the price change and a bad time after release 4.2.0")
    func story() {
        func count(_ from: Timestamp, _ days: Double, where fits: (WorldItem) -> Bool) -> Int {
            Self.world.items.filter { $0.time >= from && $0.time < from.advanced(bySeconds: days * 86_400) && fits($0) }
                .count
        }
        let before = World.priceChange.advanced(bySeconds: -10 * 86_400)
        #expect(count(World.priceChange, 3) { $0.topic == .pricing } > 10 * count(before, 3) { $0.topic == .pricing })
        let beforeRelease = World.brokenRelease.advanced(bySeconds: -21 * 86_400)
        #expect(
            count(World.brokenRelease, 21) { $0.topic == .sync } > 5 * count(beforeRelease, 21) { $0.topic == .sync })
    }

    @Test("adds up: what remains and what does not is all that was said")
    func truth() {
        let truth = Truth(of: Self.world) { $0.rawValue }
        let deleted = Self.world.items.filter(\.isDeleted).count
        #expect(truth.feedback + truth.merged + truth.filtered + truth.dead + deleted == Self.world.items.count)
        #expect(truth.byDay.values.reduce(0, +) == truth.feedback)
        #expect(truth.bySource.values.reduce(0, +) == truth.feedback)
        #expect(truth.authors > 1000)
    }
}
