import Common
import Testing

extension EventLogConformance {
    static let reading: [LogBehaviour] = [
        LogBehaviour("reads from any offset, up to the limit, in pieces that join") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                // Small commits and a large one: the borders of storage must not show.
                for number in 0..<20 { try await log.append(RecordBatch(numbered: number..<number + 1), to: topic) }
                try await log.append(RecordBatch(numbered: 20..<1700), to: topic)
                for from in [0, 1, 19, 20, 21, 511, 512, 532, 1023, 1699] {
                    for limit in [1, 7, 600] {
                        let records = try await log.read(topic, partition: 0, from: Int64(from), limit: limit)
                        let expected = from..<min(1700, from + limit)
                        #expect(records.offsets == expected.map(Int64.init), "from \(from) limit \(limit)")
                        #expect(records.texts == expected.map { "v\($0)" }, "from \(from) limit \(limit)")
                    }
                }
            }
        },
        LogBehaviour("reads nothing at the end and beyond it") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<3), to: topic)
                #expect(try await log.read(topic, partition: 0, from: 3, limit: 10).isEmpty)
                #expect(try await log.read(topic, partition: 0, from: 99, limit: 10).isEmpty)
            }
        },
        LogBehaviour("creates topics once, and refuses too few partitions") { bench in
            let topic = bench.topic(partitions: 2)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<5), to: topic)
                try await log.create([topic])
                #expect(try await log.bounds(of: topic).reduce(0) { $0 + $1.end } == 5)
                await #expect(performing: { try await log.create([bench.topic(partitions: 3)]) }, throws: isMismatch)
            }
        },
        LogBehaviour("refuses a topic that is kept otherwise", needs: [.checksRetention]) { bench in
            let topic = bench.topic("events", .days(7), partitions: 2)
            let state = bench.topic("state", .compacted, partitions: 2)
            try await bench.with(topic, state) { log in
                try await log.create([topic, state])
                for other in [
                    bench.topic("events", .compacted, partitions: 2), bench.topic("events", .days(8), partitions: 2),
                    bench.topic("state", .days(7), partitions: 2),
                ] {
                    await #expect(performing: { try await log.create([other]) }, throws: isMismatch)
                }
            }
        },
        LogBehaviour("is available while it works") { bench in
            try await bench.with(bench.topic()) { log in
                #expect(await log.health() == .available)
            }
        },
    ]
    private static func isMismatch(_ error: any Error) -> Bool {
        if case EventLogError.topicMismatch = error { true } else { false }
    }
}
