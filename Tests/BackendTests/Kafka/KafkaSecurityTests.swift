import Common
import Foundation
import KafkaLog
import Logging
import TestKit
import Testing

/// A real broker that wants a password: `EARSHOT_TEST_KAFKA_SASL=kafka://user:password@host:port?…`.
private let guardedBroker = ProcessInfo.processInfo.environment["EARSHOT_TEST_KAFKA_SASL"]

@Suite(
    "The event log over Kafka, on a broker that wants a password",
    .enabled(if: guardedBroker != nil, "SKIPPED: EARSHOT_TEST_KAFKA_SASL=kafka://user:password@host:port names none"))
struct KafkaPasswordTests {
    @Test("lets the right password in")
    func right() async throws {
        try await roundTrip(KafkaSettings(url: try #require(guardedBroker)))
    }

    @Test("says denied to a wrong password, not to wait")
    func wrong() async throws {
        var settings = try KafkaSettings(url: try #require(guardedBroker))
        settings.client["sasl.password"] = Secret("wrong")
        try await expectDenied(settings)
    }
}

/// A real broker that speaks TLS, with a certificate of an authority of its own:
/// `EARSHOT_TEST_KAFKA_TLS=kafka://host:port?security.protocol=SSL&ssl.ca.location=…`.
private let encryptedBroker = ProcessInfo.processInfo.environment["EARSHOT_TEST_KAFKA_TLS"]

@Suite(
    "The event log over Kafka, on a broker that speaks TLS",
    .enabled(if: encryptedBroker != nil, "SKIPPED: EARSHOT_TEST_KAFKA_TLS=kafka://host:port?… names none"))
struct KafkaTLSTests {
    @Test("reads what it wrote over a connection whose certificate holds")
    func trusted() async throws {
        try await roundTrip(KafkaSettings(url: try #require(encryptedBroker)))
    }

    @Test("says denied to a certificate of an authority that it does not know, not to wait")
    func untrusted() async throws {
        var settings = try KafkaSettings(url: try #require(encryptedBroker))
        settings.client["ssl.ca.location"] = nil
        try await expectDenied(settings)
    }
}

private func roundTrip(_ settings: KafkaSettings) async throws {
    let log = try KafkaLog(settings, logger: .silent)
    #expect(await log.health() == .available)
    let topic = Topic(
        name: "test-\(UUID().uuidString.prefix(8).lowercased()).secure", retention: .days(1), partitions: 1)
    try await log.create([topic])
    try await log.append(KafkaHandover.records(0..<10), to: topic)
    let consumer = try await log.consumer(of: topic, group: ConsumerGroup("secure")) { _ in nil }
    var count = 0
    while count < 10 {
        let batches = try await consumer.next(limit: 10, wait: .seconds(20))
        try #require(!batches.isEmpty)
        try await consumer.commit(batches)
        count += batches.reduce(0) { $0 + $1.records.count }
    }
    #expect(count == 10)
    await consumer.close()
    await log.close()
}

private func expectDenied(_ settings: KafkaSettings) async throws {
    let log = try KafkaLog(settings, logger: .silent)
    let topic = Topic(name: "any", retention: .days(1), partitions: 1)
    await #expect {
        try await log.append(KafkaHandover.records(0..<1), to: topic)
    } throws: {
        if case EventLogError.denied = $0 { true } else { false }
    }
    await log.close()
}
