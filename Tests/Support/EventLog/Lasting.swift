import Common
import Testing

extension EventLogConformance {
    static let lasting: [LogBehaviour] = [
        LogBehaviour("has after a restart what it had before") { bench in
            let topic = bench.topic()
            let positions = try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<500), to: topic)
            }
            try await bench.with(topic) { log in
                #expect(Set(try await log.everything(topic)) == Set((0..<500).map { "v\($0)" }))
                let more = try await log.append(RecordBatch(numbered: 500..<600), to: topic)
                #expect(Set(more).isDisjoint(with: positions))
                #expect(try await log.bounds(of: topic).reduce(0) { $0 + $1.end } == 600)
            }
        },
        LogBehaviour("has after a restart what groups committed") { bench in
            let topic = bench.topic()
            let before = try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<100), to: topic)
                let consumer = try await log.join(topic, bench.group())
                let drawn = try await consumer.draw(30, limit: 10)
                try await consumer.commit(drawn)
                return drawn.texts
            }
            try await bench.with(topic) { log in
                let consumer = try await log.join(topic, bench.group())
                let rest = try await consumer.draw(70)
                #expect(rest.recordCount == 70)
                #expect(Set(before + rest.texts).count == 100)
                await consumer.close()
            }
        },
        LogBehaviour("knows its topics after a restart") { bench in
            let topic = bench.topic("state", .compacted, partitions: 3)
            try await bench.with(topic) { log in try await log.append(RecordBatch(numbered: 0..<9), to: topic) }
            try await bench.with { log in
                #expect(try await log.bounds(of: topic).count == 3)
                try await log.append(RecordBatch(numbered: 9..<10), to: topic)
            }
        },
        LogBehaviour("throws closed after it was closed, and ends who waits") { bench in
            let topic = bench.topic()
            let log = try await bench.open()
            try await bench.create([topic], in: log)
            let consumer = try await log.join(topic, bench.group())
            let waiting = Task { try await consumer.next(limit: 1, wait: .seconds(60)) }
            try await Task.sleep(for: .milliseconds(50))
            let before = ContinuousClock.now
            try await bench.close(log)
            _ = await waiting.result
            #expect(ContinuousClock.now - before < .seconds(10))
            let isClosed = { @Sendable (error: any Error) in
                if case EventLogError.closed = error { true } else { false }
            }
            await #expect(
                performing: { try await log.append(RecordBatch(numbered: 0..<1), to: topic) }, throws: isClosed)
            await #expect(performing: { try await log.bounds(of: topic) }, throws: isClosed)
            await #expect(performing: { try await consumer.next(limit: 1, wait: .zero) }, throws: isClosed)
            #expect(await log.health() != .available)
        },
    ]
}
