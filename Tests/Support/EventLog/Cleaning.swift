import Common
import Testing

extension EventLogConformance {
    private static let day: Int64 = 86_400_000

    static let cleaning: [LogBehaviour] = [
        LogBehaviour("removes what is older than the retention, and no more", needs: [.removesAtOnce]) { bench in
            let topic = bench.topic("events", .days(7), partitions: 1)
            try await bench.with(topic) { log in
                let now = Timestamp.now
                let old = Timestamp(milliseconds: now.milliseconds - 10 * day)
                try await log.append(aged(0..<100, old), to: topic)
                try await log.append(aged(100..<150, now), to: topic)
                try await log.maintain(now: now)
                #expect(try await log.bounds(of: topic) == [PartitionBounds(partition: 0, first: 100, end: 150)])
                let records = try await log.all(topic, partition: 0)
                #expect(records.offsets == Array(100..<150))
                #expect(records.text(at: 0) == "v100")
            }
        },
        LogBehaviour("never gives an offset again, even when nothing is left", needs: [.removesAtOnce]) { bench in
            let topic = bench.topic("events", .days(1), partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<30), to: topic)
                try await log.maintain(now: Timestamp(milliseconds: Timestamp.now.milliseconds + 3 * day))
                #expect(try await log.bounds(of: topic) == [PartitionBounds(partition: 0, first: 30, end: 30)])
                #expect(try await log.all(topic, partition: 0).isEmpty)
            }
            // Nor after a restart.
            try await bench.with(topic) { log in
                let positions = try await log.append(RecordBatch(numbered: 30..<31), to: topic)
                #expect(positions == [LogPosition(partition: 0, offset: 30)])
            }
        },
        LogBehaviour("takes a consumer whose place is gone to the first record that is left", needs: [.removesAtOnce]) {
            bench in
            let topic = bench.topic("events", .days(7), partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(aged(0..<100, .longAgo), to: topic)
                let gone = try await log.join(topic, bench.group())
                try await gone.commit(try await gone.draw(10))
                await gone.close()
                try await log.append(aged(100..<105, .now), to: topic)
                try await log.maintain(now: .now)
                let consumer = try await log.join(topic, bench.group())
                let batches = try await consumer.draw(5)
                #expect(batches.texts == (100..<105).map { "v\($0)" })
                // A sink compares it with the position that it has.
                #expect(batches.first?.from == 10)
                await consumer.close()
            }
        },
        LogBehaviour(
            "takes a consumer whose place goes while it reads to the first record that is left",
            needs: [.removesAtOnce, .neverReadsAhead]
        ) { bench in
            let topic = bench.topic("events", .days(7), partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(aged(0..<100, .longAgo), to: topic)
                let consumer = try await log.join(topic, bench.group())
                try await consumer.commit(try await consumer.draw(10))
                try await log.append(aged(100..<105, .now), to: topic)
                try await log.maintain(now: .now)
                #expect(try await consumer.draw(5).texts == (100..<105).map { "v\($0)" })
                await consumer.close()
            }
        },
        LogBehaviour("shows the last value of each key of a compacted topic") { bench in
            let topic = bench.topic("state", .compacted, partitions: 1)
            try await bench.with(topic) { log in
                for round in 0..<10 {
                    try await log.append(RecordBatch((0..<50).map { ("k\($0)", "\(round)") }), to: topic)
                }
                try await log.maintain(now: .now)
                let state = lastValues(try await log.all(topic, partition: 0))
                #expect(state.count == 50)
                #expect(state.values.allSatisfy { $0 == "9" })
                #expect(try await log.bounds(of: topic)[0].end == 500)
                // A consumer from the beginning sees the same, and comes to the end.
                let consumer = try await log.join(topic, bench.group())
                var seen = RecordBatch()
                while let batch = try await consumer.next(limit: 7, wait: bench.patience(.milliseconds(300))).first {
                    for index in 0..<batch.records.count {
                        seen.append(key: batch.records.key(at: index), value: batch.records.value(at: index))
                    }
                    try await consumer.commit([batch])
                }
                #expect(lastValues(seen) == state)
                #expect(try await log.lag(of: bench.group(), topic: topic) == [0])
                await consumer.close()
            }
        },
        LogBehaviour("compacts: what a later record replaced takes no room for ever", needs: [.compactsAtOnce]) {
            bench in
            let topic = bench.topic("state", .compacted, partitions: 1)
            try await bench.with(topic) { log in
                for round in 0..<20 {
                    try await log.append(RecordBatch((0..<100).map { ("k\($0)", "\(round)") }), to: topic)
                }
                try await log.maintain(now: .now)
                let records = try await log.all(topic, partition: 0)
                #expect(records.count < 1000)
                #expect(records.offsets == records.offsets.sorted())
                #expect(lastValues(records).count == 100)
            }
        },
        LogBehaviour("keeps a tombstone for a while, then lets the key go", needs: [.compactsAtOnce]) { bench in
            let topic = bench.topic("state", .compacted, partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch([("stays", "1"), ("goes", "1")]), to: topic)
                try await log.append(RecordBatch([("goes", nil)]), to: topic)
                try await log.maintain(now: .now)
                var records = try await log.all(topic, partition: 0)
                #expect(
                    (0..<records.count).contains {
                        records.keyText(at: $0) == "goes" && records.value(at: $0) == nil
                    })
                try await log.maintain(now: Timestamp(milliseconds: Timestamp.now.milliseconds + 30 * day))
                records = try await log.all(topic, partition: 0)
                #expect((0..<records.count).map { records.keyText(at: $0) } == ["stays"])
                // The topic ends where it ended, and a reader is not kept waiting before it.
                #expect(try await log.bounds(of: topic)[0].end == 3)
                let consumer = try await log.join(topic, bench.group())
                #expect(try await consumer.draw(3, patience: bench.patience(.milliseconds(300))).texts == ["1"])
                try await log.append(RecordBatch([("new", "1")]), to: topic)
                let next = try await consumer.next(limit: 5, wait: .seconds(20))
                #expect(next.first?.records.offsets == [3])
                await consumer.close()
            }
        },
        LogBehaviour("appends and reads while it cleans") { bench in
            let topic = bench.topic("state", .compacted, partitions: 1)
            try await bench.with(topic) { log in
                async let cleaned: Void = {
                    for _ in 0..<10 { try await log.maintain(now: .now) }
                }()
                for round in 0..<40 {
                    try await log.append(RecordBatch((0..<25).map { ("k\($0)", "\(round)") }), to: topic)
                    let state = lastValues(try await log.all(topic, partition: 0))
                    #expect(state.count == 25)
                    #expect(state.values.allSatisfy { $0 == "\(round)" })
                }
                try await cleaned
            }
        },
    ]

    private static func aged(_ numbers: Range<Int>, _ timestamp: Timestamp) -> RecordBatch {
        var batch = RecordBatch()
        for number in numbers { batch.append(key: "k\(number)", value: Array("v\(number)".utf8), timestamp: timestamp) }
        return batch
    }

    private static func lastValues(_ records: RecordBatch) -> [String?: String?] {
        var values: [String?: String?] = [:]
        for index in 0..<records.count { values[records.keyText(at: index)] = .some(records.text(at: index)) }
        return values
    }
}

extension Timestamp {
    /// Older than any retention here.
    fileprivate static var longAgo: Timestamp { Timestamp(milliseconds: now.milliseconds - 30 * 86_400_000) }
}
