import Common
import Synchronization
import Testing

extension EventLogConformance {
    static let sharing: [LogBehaviour] = [
        LogBehaviour("shares the partitions among members, each record to one of them") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let members = [
                    try await log.join(topic, bench.group()), try await log.join(topic, bench.group()),
                ]
                try await settle(members, bench)
                try await log.append(RecordBatch(numbered: 0..<1000), to: topic)
                let drawn = try await withThrowingTaskGroup(of: [PartitionBatch].self) { tasks in
                    for member in members {
                        tasks.addTask { try await member.draw(1000, limit: 50, patience: bench.patience(.seconds(1))) }
                    }
                    return try await tasks.reduce(into: []) { $0.append($1) }
                }
                #expect(drawn[0].partitions.isDisjoint(with: drawn[1].partitions))
                #expect(drawn[0].partitions.count == 2)
                #expect(drawn.flatMap(\.texts).count == 1000)
                #expect(Set(drawn.flatMap(\.texts)).count == 1000)
                for member in members { await member.close() }
            }
        },
        LogBehaviour("moves a partition to a new member only after the old one has let go") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<400), to: topic)
                let old = try await log.join(topic, bench.group())
                let inHand = try await old.drawFromAll(4)
                #expect(inHand.partitions.count == 4)

                let new = try await log.join(topic, bench.group())
                // The old member still works on its batch: the new one gets nothing of it.
                #expect(try await new.next(limit: 100, wait: bench.patience(.milliseconds(300))).isEmpty)
                try await old.commit(inHand)

                async let oldRest = old.draw(400, limit: 50, patience: bench.patience(.seconds(1)))
                async let newRest = new.draw(400, limit: 50, patience: bench.patience(.seconds(1)))
                let (olds, news) = (try await oldRest, try await newRest)
                #expect(olds.partitions.isDisjoint(with: news.partitions))
                #expect(news.partitions.count == 2)
                let texts = inHand.texts + olds.texts + news.texts
                #expect(texts.count == 400)
                #expect(Set(texts).count == 400)
                await old.close()
                await new.close()
            }
        },
        LogBehaviour("refuses a commit for a partition that moved") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<100), to: topic)
                let old = try await log.join(topic, bench.group())
                let inHand = try await old.drawFromAll(4)
                let new = try await log.join(topic, bench.group())
                // The old member comes back for more without having committed: it gives up two partitions.
                var taken: [PartitionBatch] = []
                for _ in 0..<200 where taken.partitions.count < 2 {
                    _ = try await old.next(limit: 1, wait: .milliseconds(100))
                    taken += try await new.next(limit: 100, wait: .milliseconds(100))
                }
                #expect(taken.partitions.count == 2)
                await #expect { try await old.commit(inHand) } throws: {
                    if case EventLogError.fenced = $0 { true } else { false }
                }
                for partition in taken.partitions {
                    #expect(try await log.committed(bench.group(), topic: topic)[partition] == 0)
                }
                await old.close()
                await new.close()
            }
        },
        LogBehaviour("refuses to seek in a partition of another member") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                let owner = try await log.join(topic, bench.group())
                _ = try await owner.next(limit: 1, wait: .zero)
                let idle = try await log.join(topic, bench.group())
                _ = try await idle.next(limit: 1, wait: .zero)
                await #expect { try await idle.seek(partition: 0, to: 0) } throws: {
                    if case EventLogError.fenced = $0 { true } else { false }
                }
                await owner.close()
                await idle.close()
            }
        },
        LogBehaviour("gives a closed member's partitions to the others, from what it committed") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let members = [
                    try await log.join(topic, bench.group()), try await log.join(topic, bench.group()),
                ]
                try await settle(members, bench)
                try await log.append(RecordBatch(numbered: 0..<400), to: topic)
                let committed = try await members[0].next(limit: 20, wait: .seconds(20))
                try await members[0].commit(committed)
                _ = try await members[0].next(limit: 20, wait: .seconds(20))
                await members[0].close()
                let rest = try await members[1].draw(380, patience: bench.patience(.seconds(2)))
                #expect(rest.partitions.count == 4)
                #expect(Set(rest.texts + committed.texts).count == 400)
                #expect(rest.recordCount == 380)
                await members[1].close()
            }
        },
        LogBehaviour("wakes a waiting member when it inherits partitions") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                try await log.append(RecordBatch(numbered: 0..<3), to: topic)
                let owner = try await log.join(topic, bench.group())
                _ = try await owner.next(limit: 1, wait: .seconds(20))
                let heir = try await log.join(topic, bench.group())
                async let inherited = heir.draw(3)
                try await Task.sleep(for: .milliseconds(100))
                let before = ContinuousClock.now
                await owner.close()
                #expect(try await inherited.texts == ["v0", "v1", "v2"])
                #expect(ContinuousClock.now - before < .seconds(10))
                await heir.close()
            }
        },
        LogBehaviour("leaves a member beyond the number of partitions without work") { bench in
            let topic = bench.topic(partitions: 2)
            try await bench.with(topic) { log in
                var members: [any LogConsumer] = []
                for _ in 0..<3 { members.append(try await log.join(topic, bench.group())) }
                try await settle(members, bench)
                try await log.append(RecordBatch(numbered: 0..<100), to: topic)
                var counts: [Int] = []
                for member in members {
                    counts.append(
                        try await member.draw(100, patience: bench.patience(.milliseconds(300))).partitions.count)
                }
                #expect(counts.sorted() == [0, 1, 1])
                for member in members { await member.close() }
            }
        },
        LogBehaviour("loses nothing while members come and go", needs: [.rebalancesSoon]) { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let group = bench.group()
                let total = 3000
                async let appended: Void = {
                    for start in stride(from: 0, to: total, by: 100) {
                        try await log.append(RecordBatch(numbered: start..<start + 100), to: topic)
                    }
                }()
                let all = Seen()
                // While members come and go a partition may be nobody's for longer than any of them would wait.
                let deadline = ContinuousClock.now + .seconds(30)
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for turn in 0..<6 {
                        tasks.addTask {
                            try await Task.sleep(for: .milliseconds(20 * turn))
                            // Short lives, then one that sees the end.
                            for life in 0..<3 {
                                let member = try await log.join(topic, group)
                                var pulls = 0
                                while life < 2 ? pulls < 5 : ContinuousClock.now < deadline {
                                    let isAll = all.texts.withLock { $0.count >= total }
                                    let batches = try await member.next(limit: 70, wait: .milliseconds(500))
                                    if life == 2, isAll, batches.isEmpty { break }
                                    try await member.commit(batches)
                                    let texts = batches.texts
                                    all.texts.withLock { $0 += texts }
                                    pulls += 1
                                }
                                await member.close()
                            }
                        }
                    }
                    try await tasks.waitForAll()
                }
                try await appended
                let seen = all.texts.withLock { $0 }
                // Members commit what they took before they come back, so nothing is handed out twice either.
                #expect(seen.count == total)
                #expect(Set(seen).count == total)
            }
        },
    ]

    /// Lets every member take and give what the group wants it to.
    private static func settle(_ members: [any LogConsumer], _ bench: LogBench) async throws {
        let deadline = ContinuousClock.now + bench.settling
        var rounds = 0
        while rounds < 2 || ContinuousClock.now < deadline {
            for member in members { _ = try await member.next(limit: 1, wait: .milliseconds(20)) }
            rounds += 1
        }
    }
}

/// What several members were given.
private final class Seen: Sendable {
    let texts = Mutex<[String?]>([])
}
