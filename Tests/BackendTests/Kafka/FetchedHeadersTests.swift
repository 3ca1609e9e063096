import Common
import TestKit
import Testing

@testable import KafkaLog

/// Headers that are read where they were fetched to, and when they are not.
@Suite("Headers in what a broker sent")
struct FetchedHeadersTests {
    /// Records one after another, as Kafka writes them since 0.11.
    private struct Wire {
        var bytes: [UInt8] = []
        /// Where keys and values are.
        var keys: [Range<Int>?] = []
        var values: [Range<Int>?] = []

        mutating func add(key: String?, value: String?, headers: [(String, String?)]) {
            var record: [UInt8] = [0] + Self.integer(3) + Self.integer(keys.count)
            let key = Self.place(key, in: &record)
            let value = Self.place(value, in: &record)
            record += Self.integer(headers.count)
            for (name, value) in headers {
                _ = Self.place(name, in: &record)
                _ = Self.place(value, in: &record)
            }
            bytes += Self.integer(record.count)
            let start = bytes.count
            keys.append(key.map { $0.lowerBound + start..<$0.upperBound + start })
            values.append(value.map { $0.lowerBound + start..<$0.upperBound + start })
            bytes += record
        }

        private static func place(_ text: String?, in record: inout [UInt8]) -> Range<Int>? {
            record += integer(text?.utf8.count ?? -1)
            guard let text else { return nil }
            defer { record += Array(text.utf8) }
            return record.count..<record.count + text.utf8.count
        }

        static func integer(_ value: Int) -> [UInt8] {
            var rest = UInt64(bitPattern: Int64(value << 1 ^ value >> 63))
            var bytes: [UInt8] = []
            while rest > 0x7F {
                bytes.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            return bytes + [UInt8(rest)]
        }

        /// What is read after the first value, where the next record's key begins so many bytes off and is so much longer.
        func read(keyOff: Int = 0, keyLonger: Int = 0) -> RecordHeaders? {
            let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: FetchedHeaders.encodedBytes, alignment: 1)
            defer { scratch.deallocate() }
            return bytes.withUnsafeBytes { bytes in
                func part(_ range: Range<Int>?) -> UnsafeRawBufferPointer {
                    range.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
                        ?? UnsafeRawBufferPointer(start: nil, count: 0)
                }
                let key = keys[1].map { $0.lowerBound + keyOff..<$0.upperBound + keyOff + keyLonger }
                return FetchedHeaders.encode(
                    after: part(values[0]), beforeKey: part(key), value: part(values[1]), in: scratch
                ).map { RecordHeaders(encoded: Array($0)[...]) }
            }
        }
    }

    private static let headers: [(String, String?)] = [
        ("workspace", "ws_1"), ("empty", ""), ("null", nil), ("long", String(repeating: "x", count: 300)),
    ]
    private static let encoded: RecordHeaders = {
        var encoded = RecordHeaders()
        for (name, value) in headers { encoded.append(name, value ?? "") }
        return encoded
    }()

    @Test("are read up to the next record", arguments: ["key", nil], ["v", String(repeating: "v", count: 9000)])
    func read(key: String?, value: String) {
        var wire = Wire()
        wire.add(key: key, value: value, headers: Self.headers)
        wire.add(key: key, value: value, headers: [])
        #expect(wire.read() == Self.encoded)
    }

    @Test("are not believed if the next record is not where it must be")
    func refused() {
        var wire = Wire()
        wire.add(key: "key", value: "value", headers: Self.headers)
        wire.add(key: "the next key", value: "value", headers: [])
        #expect(wire.read() == Self.encoded)
        for off in [-3, -1, 1, 2] { #expect(wire.read(keyOff: off) == nil, "\(off) bytes off") }
        #expect(wire.read(keyLonger: 1) == nil)
        #expect(wire.read(keyLonger: -1) == nil)
    }

    /// Of each byte between the value and the next key: changed, it may belong to a name or a value, or else nothing is read; never
    /// does what is read have another size.
    @Test("have the size that they should have, or are not read")
    func damaged() throws {
        var wire = Wire()
        wire.add(key: "key", value: "value", headers: Self.headers)
        wire.add(key: "next", value: "value", headers: [])
        let between = try #require(wire.values[0]).upperBound..<(try #require(wire.keys[1])).lowerBound
        for at in between {
            for change: UInt8 in [1, 2, 0x80, 0xFF] {
                var damaged = wire
                damaged.bytes[at] ^= change
                guard let read = damaged.read() else { continue }
                #expect(read.encoded.count == Self.encoded.encoded.count, "byte \(at) changed by \(change)")
            }
        }
    }

    @Test("are not looked for in formats that have none")
    func legacy() {
        for length in [1, 40, 64, 100, 128, 300, 8192, 20_000, 70_000] {
            var wire = Wire()
            // Four bytes of length, the value; then the next message's offset, size, checksum and so on, and its key.
            wire.bytes = withUnsafeBytes(of: UInt32(length).bigEndian) { Array($0) }
            wire.values = [4..<4 + length, nil]
            wire.bytes += [UInt8](repeating: 0, count: length + 34) + Array("key".utf8)
            wire.keys = [nil, wire.bytes.count - 3..<wire.bytes.count]
            #expect(wire.read() == nil, "a value of \(length)")
        }
    }

    @Test("are compared with librdkafka's list at first and then now and then; one that differs ends it")
    func trust() {
        var trust = HeaderTrust()
        let due = (1...10_000).filter { _ in trust.isDue() }
        #expect(due == Array(1...64) + [4096, 8192])
        trust.compared(isSame: true)
        #expect(!trust.isLost)
        trust.compared(isSame: false)
        trust.compared(isSame: true)
        #expect(trust.isLost)
    }

    /// With the librdkafka that is installed: nearly all are read in place, and each as librdkafka reads it.
    @Test("are where this librdkafka should have them", arguments: ["none", "lz4"])
    func installed(codec: String) async throws {
        let mock = try MockCluster()
        let topic = Topic(name: "headers", retention: .days(1), partitions: 1)
        try mock.create(topic: topic.name, partitions: 1)
        var settings = KafkaSettings.quick(mock.address)
        settings.topics = .expect
        settings.client["compression.codec"] = Secret(codec)
        let log = try KafkaLog(settings, logger: .silent)
        try await log.create([topic])
        var batch = RecordBatch()
        for number in 0..<1000 {
            batch.append(key: "k\(number)", headers: Self.encoded, value: Array("value \(number)".utf8))
        }
        try await log.append(batch, to: topic)
        let consumer = try #require(
            try await log.consumer(of: topic, group: ConsumerGroup("headers")) { _ in nil } as? KafkaLogConsumer)
        var count = 0
        while count < 1000 {
            for records in try await consumer.next(limit: 1000, wait: .seconds(20)).map(\.records) {
                for index in 0..<records.count { #expect(records.headers(at: index) == Self.encoded) }
                count += records.count
            }
        }
        let trust = try await consumer.membership.perform { $0.messages.trust }
        #expect(!trust.isLost)
        #expect(trust.read > 900)
        await consumer.close()
        await log.close()
    }
}
