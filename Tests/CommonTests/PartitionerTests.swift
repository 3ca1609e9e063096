import Common
import Testing

@Suite("The partitioner")
struct PartitionerTests {
    @Test(
        "hashes as Kafka's clients do",
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func knownHashes(text: String, hash: Int32) {
        #expect(Int32(bitPattern: Partitioner.murmur2(Array(text.utf8))) == hash)
        // A collection without contiguous storage gives the same.
        #expect(
            Int32(bitPattern: Partitioner.murmur2(Array(text.utf8.reversed()).reversed() as ReversedCollection)) == hash
        )
    }

    @Test("chooses a partition by the positive hash")
    func partition() {
        #expect(
            Partitioner.partition(forKey: Array("21".utf8), of: 1000) == Int((-973_932_308 as Int32) & 0x7FFF_FFFF)
                % 1000)
        #expect(Partitioner.partition(forKey: [], of: 1) == 0)
        for key in 0..<1000 {
            #expect((0..<7).contains(Partitioner.partition(forKey: Array("\(key)".utf8), of: 7)))
        }
    }

    @Test("spreads keys evenly")
    func spread() {
        var counts = [Int](repeating: 0, count: 4)
        for key in 0..<10_000 { counts[Partitioner.partition(forKey: Array("key-\(key)".utf8), of: 4)] += 1 }
        for count in counts { #expect((2200...2800).contains(count)) }
    }
}
