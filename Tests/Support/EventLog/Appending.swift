import Common
import Testing

extension EventLogConformance {
    static let appending: [LogBehaviour] = [
        LogBehaviour("answers where each record went, in the batch's order") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let positions = try await log.append(RecordBatch(numbered: 0..<100), to: topic)
                try #require(positions.count == 100)
                for (index, position) in positions.enumerated() {
                    let records = try await log.read(
                        topic, partition: position.partition, from: position.offset, limit: 1)
                    #expect(records.texts == ["v\(index)"])
                    #expect(records.offsets == [position.offset])
                    #expect(records.keyText(at: 0) == "k\(index)")
                }
            }
        },
        LogBehaviour("numbers the records of a partition from 0, without a gap") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                for start in stride(from: 0, to: 60, by: 20) {
                    try await log.append(RecordBatch(numbered: start..<start + 20), to: topic)
                }
                for partition in 0..<4 {
                    let records = try await log.all(topic, partition: partition)
                    #expect(records.offsets == Array(0..<Int64(records.count)))
                }
                #expect(try await log.bounds(of: topic).reduce(0) { $0 + $1.end } == 60)
            }
        },
        LogBehaviour("sends a key to the partition that Kafka would choose") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let positions = try await log.append(RecordBatch(numbered: 0..<200), to: topic)
                for (index, position) in positions.enumerated() {
                    #expect(position.partition == Partitioner.partition(forKey: Array("k\(index)".utf8), of: 4))
                }
            }
        },
        LogBehaviour("keeps the order of one key's records") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                for round in 0..<5 {
                    try await log.append(RecordBatch((0..<50).map { ("same", "\(round * 50 + $0)") }), to: topic)
                }
                let partition = Partitioner.partition(forKey: Array("same".utf8), of: 4)
                #expect(try await log.all(topic, partition: partition).texts == (0..<250).map { "\($0)" })
            }
        },
        LogBehaviour("spreads records without a key") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                for _ in 0..<40 {
                    try await log.append(RecordBatch((0..<10).map { (nil, "\($0)") }), to: topic)
                }
                for bounds in try await log.bounds(of: topic) { #expect(bounds.end > 0) }
            }
        },
        LogBehaviour("keeps every byte of key, headers and value") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                let every = (0...255).map { UInt8($0) }
                var headers = RecordHeaders()
                headers.append("first", "one")
                headers.append("bytes", every)
                headers.append("first", "two")
                headers.append("empty", "")
                var batch = RecordBatch()
                batch.append(key: every, headers: headers, value: every.reversed())
                batch.append(key: [UInt8](), value: [UInt8]())
                try await log.append(batch, to: topic)

                let records = try await log.all(topic, partition: 0)
                try #require(records.count == 2)
                #expect(records.key(at: 0).map(Array.init) == every)
                #expect(records.value(at: 0).map(Array.init) == every.reversed())
                #expect(records.headers(at: 0).all.map(\.name) == ["first", "bytes", "first", "empty"])
                #expect(records.headers(at: 0)["first"] == "one")
                #expect(records.headers(at: 0).bytes("bytes").map(Array.init) == every)
                #expect(records.headers(at: 0)["empty"] == "")
                #expect(records.key(at: 1)?.isEmpty == true)
                #expect(records.value(at: 1)?.isEmpty == true)
            }
        },
        LogBehaviour("tells a missing key and a tombstone from empty ones") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                var batch = RecordBatch()
                batch.append(key: String?.none, value: Array("no key".utf8))
                batch.appendTombstone(key: "gone", headers: ["why": "test"])
                try await log.append(batch, to: topic)
                let records = try await log.all(topic, partition: 0)
                try #require(records.count == 2)
                #expect(records.key(at: 0) == nil)
                #expect(records.text(at: 0) == "no key")
                #expect(records.keyText(at: 1) == "gone")
                #expect(records.value(at: 1) == nil)
                #expect(records.headers(at: 1)["why"] == "test")
            }
        },
        LogBehaviour("says when a record was appended, unless the producer said it") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                let before = Timestamp.now
                var batch = RecordBatch()
                batch.append(key: "a", value: [1])
                batch.append(key: "b", value: [2], timestamp: Timestamp(milliseconds: before.milliseconds - 5000))
                try await log.append(batch, to: topic)
                let records = try await log.all(topic, partition: 0)
                #expect(
                    (before.milliseconds - 1...before.milliseconds + 60_000).contains(
                        records.timestamp(at: 0).milliseconds))
                #expect(records.timestamp(at: 1).milliseconds == before.milliseconds - 5000)
            }
        },
        LogBehaviour("takes an empty batch and does nothing") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let positions = try await log.append(RecordBatch(), to: topic)
                #expect(positions.isEmpty)
                #expect(try await log.bounds(of: topic).allSatisfy { $0.end == 0 })
            }
        },
        LogBehaviour("refuses a topic that was not created") { bench in
            try await bench.with { log in
                _ = await #expect {
                    try await log.append(RecordBatch(numbered: 0..<1), to: bench.topic("other"))
                } throws: {
                    if case EventLogError.unknownTopic(let name) = $0 { name.hasSuffix("other") } else { false }
                }
            }
        },
        LogBehaviour("refuses a record over the limit and appends none of its batch") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                var batch = RecordBatch(numbered: 0..<3)
                batch.append(key: "big", value: [UInt8](repeating: 7, count: bench.largestRecord + 1))
                await #expect { try await log.append(batch, to: topic) } throws: {
                    if case EventLogError.recordTooLarge = $0 { true } else { false }
                }
                #expect(try await log.bounds(of: topic)[0].end == 0)
                // The log goes on.
                try await log.append(RecordBatch(numbered: 0..<3), to: topic)
                #expect(try await log.all(topic, partition: 0).texts == ["v0", "v1", "v2"])
            }
        },
        LogBehaviour("takes a record of a megabyte, and many small ones beside it") { bench in
            let topic = bench.topic(partitions: 1)
            try await bench.with(topic) { log in
                let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                var batch = RecordBatch(numbered: 0..<1500)
                batch.append(key: "large", value: large)
                for number in 1500..<2000 { batch.append(key: "k\(number)", value: Array("v\(number)".utf8)) }
                try await log.append(batch, to: topic)
                let records = try await log.all(topic, partition: 0)
                try #require(records.count == 2001)
                #expect(records.value(at: 1500).map(Array.init) == large)
                #expect(records.text(at: 1499) == "v1499")
                #expect(records.text(at: 2000) == "v1999")
            }
        },
        LogBehaviour("loses and doubles nothing of a hundred appends at once") { bench in
            let topic = bench.topic()
            try await bench.with(topic) { log in
                let positions = try await withThrowingTaskGroup(of: [LogPosition].self) { tasks in
                    for task in 0..<100 {
                        tasks.addTask {
                            try await log.append(RecordBatch(numbered: task * 10..<task * 10 + 10), to: topic)
                        }
                    }
                    return try await tasks.reduce(into: Set<LogPosition>()) { $0.formUnion($1) }
                }
                #expect(positions.count == 1000)
                let texts = try await log.everything(topic)
                #expect(texts.count == 1000)
                #expect(Set(texts) == Set((0..<1000).map { "v\($0)" }))
            }
        },
    ]
}
