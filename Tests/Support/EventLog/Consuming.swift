import Common
import Testing

extension EventLogConformance {
    static let consuming: [LogBehaviour] = [
        LogBehaviour("hands a group every record once, each partition in order") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<1000), to: topic)
                let consumer = try await log.join(topic, bench.group())
                let batches = try await consumer.draw(1000, limit: 64)
                #expect(Set(batches.texts).count == 1000)
                #expect(batches.texts.count == 1000)
                var next = [Int64](repeating: 0, count: 4)
                for batch in batches {
                    #expect(batch.from == next[batch.partition])
                    #expect(batch.records.offsets == Array(batch.from..<batch.next))
                    next[batch.partition] = batch.next
                }
                await consumer.close()
            }
        },
        LogBehaviour("never hands out more than the limit") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<500), to: topic)
                let consumer = try await log.join(topic, bench.group())
                var total = 0
                while total < 500 {
                    let batches = try await consumer.next(limit: 33, wait: .seconds(20))
                    try #require(!batches.isEmpty)
                    #expect(batches.recordCount <= 33)
                    total += batches.recordCount
                }
                await consumer.close()
            }
        },
        LogBehaviour("serves all partitions though one is full") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let busy = Partitioner.partition(forKey: Array("busy".utf8), of: 4)
                try await log.append(RecordBatch((0..<5000).map { ("busy", "\($0)") }), to: topic)
                let keys = (0..<100).map { "k\($0)" }.filter {
                    Partitioner.partition(forKey: Array($0.utf8), of: 4) != busy
                }
                try await log.append(RecordBatch(keys.map { ($0, "rare") }), to: topic)
                let consumer = try await log.join(topic, bench.group())
                let batches = try await consumer.draw(3500, limit: 500)
                #expect(batches.texts.count { $0 == "rare" } == keys.count)
                await consumer.close()
            }
        },
        LogBehaviour("waits for records and wakes when they come") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let consumer = try await log.join(topic, bench.group())
                #expect(try await consumer.next(limit: 10, wait: .milliseconds(200)).isEmpty)
                async let drawn = consumer.next(limit: 10, wait: .seconds(20))
                try await Task.sleep(for: .milliseconds(100))
                let before = ContinuousClock.now
                try await log.append(RecordBatch(numbered: 0..<1), to: topic)
                #expect(try await drawn.texts == ["v0"])
                #expect(ContinuousClock.now - before < .seconds(5))
                await consumer.close()
            }
        },
        LogBehaviour("does not wait longer than it was told") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let consumer = try await log.join(topic, bench.group())
                let before = ContinuousClock.now
                #expect(try await consumer.next(limit: 10, wait: .milliseconds(300)).isEmpty)
                let waited = ContinuousClock.now - before
                #expect(waited >= .milliseconds(250))
                #expect(waited < .seconds(10))
                await consumer.close()
            }
        },
        LogBehaviour("ends a wait when its task is cancelled") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let consumer = try await log.join(topic, bench.group())
                let waiting = Task { try await consumer.next(limit: 10, wait: .seconds(60)) }
                try await Task.sleep(for: .milliseconds(100))
                let before = ContinuousClock.now
                waiting.cancel()
                _ = await waiting.result
                #expect(ContinuousClock.now - before < .seconds(10))
                // The member is as it was.
                try await log.append(RecordBatch(numbered: 0..<3), to: topic)
                #expect(try await consumer.draw(3).recordCount == 3)
                await consumer.close()
            }
        },
        LogBehaviour("goes on from the committed offsets") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<100), to: topic)
                let first = try await log.join(topic, bench.group())
                let done = try await first.draw(40, limit: 10)
                try await first.commit(done)
                // These were handed out and not committed.
                _ = try await first.next(limit: 20, wait: .seconds(20))
                await first.close()

                let second = try await log.join(topic, bench.group())
                let rest = try await second.draw(60)
                #expect(Set(done.texts + rest.texts).count == 100)
                #expect(rest.recordCount == 60)
                await second.close()
            }
        },
        LogBehaviour("tells what a group committed") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                #expect(try await log.committed(bench.group(), topic: topic) == [0, 0, 0, 0])
                try await log.append(RecordBatch(numbered: 0..<100), to: topic)
                let consumer = try await log.join(topic, bench.group())
                try await consumer.commit(try await consumer.draw(100))
                let ends = try await log.bounds(of: topic).map(\.end)
                #expect(try await log.committed(bench.group(), topic: topic) == ends)
                #expect(try await log.lag(of: bench.group(), topic: topic) == [0, 0, 0, 0])
                try await log.append(RecordBatch(numbered: 0..<10), to: topic)
                #expect(try await log.lag(of: bench.group(), topic: topic).reduce(0, +) == 10)
                await consumer.close()
            }
        },
        LogBehaviour("keeps groups apart") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<50), to: topic)
                let one = try await log.join(topic, bench.group("one"))
                try await one.commit(try await one.draw(50))
                let two = try await log.join(topic, bench.group("two"))
                #expect(try await two.draw(50).recordCount == 50)
                #expect(try await log.committed(bench.group("two"), topic: topic) == [0, 0, 0, 0])
                await one.close()
                await two.close()
            }
        },
        LogBehaviour("begins where the sink says") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<400), to: topic)
                let ends = try await log.bounds(of: topic).map(\.end)
                let consumer = try await log.consumer(of: topic, group: bench.group()) { ends[$0] - 2 }
                let batches = try await consumer.draw(8)
                #expect(batches.recordCount == 8)
                for batch in batches { #expect(batch.from >= ends[batch.partition] - 2) }
                await consumer.close()
            }
        },
        LogBehaviour("asks the sink once for each partition") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let asked = Tally()
                let consumer = try await log.consumer(of: topic, group: bench.group()) {
                    await asked.count($0)
                    return nil
                }
                for start in stride(from: 0, to: 100, by: 10) {
                    try await log.append(RecordBatch(numbered: start..<start + 10), to: topic)
                    _ = try await consumer.draw(10)
                }
                #expect(await asked.counts == [0: 1, 1: 1, 2: 1, 3: 1])
                await consumer.close()
            }
        },
        LogBehaviour("passes the sink's failure on and asks again") { bench in
            struct SinkIsDown: Error {}
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<3), to: topic)
                let asked = Tally()
                let consumer = try await log.consumer(of: topic, group: bench.group()) { partition in
                    await asked.count(partition)
                    if await asked.counts[partition] == 1 { throw SinkIsDown() }
                    return 1
                }
                await #expect(throws: SinkIsDown.self) { try await consumer.next(limit: 10, wait: .seconds(20)) }
                #expect(try await consumer.draw(2).texts == ["v1", "v2"])
                await consumer.close()
            }
        },
        LogBehaviour("refuses a start that the log never reached") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<3), to: topic)
                let consumer = try await log.consumer(of: topic, group: bench.group()) { _ in 1000 }
                await #expect(throws: EventLogError.self) { try await consumer.next(limit: 10, wait: .seconds(20)) }
                await consumer.close()
            }
        },
        LogBehaviour("seeks back and on") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<100), to: topic)
                let consumer = try await log.join(topic, bench.group())
                _ = try await consumer.draw(60)
                try await consumer.seek(partition: 0, to: 10)
                let again = try await consumer.next(limit: 5, wait: .seconds(20))
                #expect(again.texts == (10..<15).map { "v\($0)" })
                #expect(again.first?.from == 10)
                try await consumer.seek(partition: 0, to: 98)
                #expect(try await consumer.next(limit: 5, wait: .seconds(20)).texts == ["v98", "v99"])
                await consumer.close()
            }
        },
        LogBehaviour("throws when it is used after it was closed") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let consumer = try await log.join(topic, bench.group())
                await consumer.close()
                await consumer.close()
                await #expect(throws: EventLogError.self) { try await consumer.next(limit: 1, wait: .zero) }
            }
        },
    ]
}

/// Counts by number.
private actor Tally {
    private(set) var counts: [Int: Int] = [:]
    func count(_ number: Int) { counts[number, default: 0] += 1 }
}
