/// SplitMix64: the same numbers from the same seed, on every machine.
///
/// Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number in 0..<1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(next() % UInt64(list.count))] }

    /// One of the values, each as likely as its weight says.
    mutating func weighted<Value>(_ list: [(Value, Double)]) -> Value {
        var left = unit() * list.reduce(0) { $0 + $1.1 }
        for (value, weight) in list {
            left -= weight
            if left < 0 { return value }
        }
        return list[list.count - 1].0
    }
}
