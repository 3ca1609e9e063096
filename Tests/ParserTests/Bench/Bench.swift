import ByteJSON
import Common
import Connectors
import Engines
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import TestKit

@testable import Parser

/// A parser on a real log and a real database in a folder of its own, with two accounts that each have a workspace.
final class Bench: Sendable {
    let folder: TemporaryFolder
    let log: SQLiteLog
    let database: any Database
    let directory: Directory
    let connectors: ConnectorRegistry
    let account = AccountID.make()
    let otherAccount = AccountID.make()
    let workspace = WorkspaceID.make()
    let otherWorkspace = WorkspaceID.make()
    let stream = StreamID.make()
    let otherStream = StreamID.make()
    let connection = ConnectionID.make()

    init(
        policy: WorkspaceRecord.PersonalDataPolicy = .keep, connectors: ConnectorRegistry? = nil,
        connector: String = "notes", entity: [String: JSON] = [:]
    ) async throws {
        folder = try TemporaryFolder()
        log = try SQLiteLog(folder: folder.file("log"))
        database = try await TestDatabase.open(folder.file("parser.sqlite"))
        directory = Directory(log: log, logger: .quiet)
        self.connectors = connectors ?? ConnectorRegistry([.notes])
        try await log.create(Topic.all)
        try await database.migrate(ParserSchema.migrations)
        try await directory.load()
        try await publish(policy: policy)
        try await directory.publish([
            .workspace(
                WorkspaceRecord(
                    id: otherWorkspace, account: otherAccount, name: "Theirs", createdAt: .then, sealedKey: "")),
            .stream(record(connector: connector, entity: entity)),
            .stream(
                StreamRecord(
                    id: otherStream, workspace: otherWorkspace, connection: connection, connector: connector,
                    name: "theirs", entity: entity, createdAt: .then)),
        ])
    }

    func record(
        connector: String = "notes", entity: [String: JSON] = [:], mapping: JSON? = nil,
        status: StreamRecord.Status = .active
    ) -> StreamRecord {
        StreamRecord(
            id: stream, workspace: workspace, connection: connection, connector: connector, name: "ours",
            entity: entity, mapping: mapping, status: status, createdAt: .then)
    }

    func publish(policy: WorkspaceRecord.PersonalDataPolicy = .keep, isDeleted: Bool = false) async throws {
        try await directory.publish([
            .workspace(
                WorkspaceRecord(
                    id: workspace, account: account, name: "Ours", createdAt: .then, personalData: policy,
                    sealedKey: "", isDeleted: isDeleted))
        ])
    }

    func context(log: (any EventLog)? = nil, database: (any Database)? = nil) throws -> RoleContext {
        RoleContext(
            log: log ?? self.log, database: database ?? self.database, transport: NoTransport(), directory: directory,
            vault: try Vault(masterKey: Array(repeating: 7, count: 32)), connectors: connectors, metrics: Metrics(),
            logger: .quiet, publicURL: "http://localhost", now: { .then })
    }

    /// What a process that starts now works with.
    func handler(
        settings: ParserSettings = .unlimited, log: (any EventLog)? = nil, database: (any Database)? = nil
    ) throws -> RawEventHandler {
        RawEventHandler(
            context: try context(log: log, database: database), pipeline: try .standard(), settings: settings)
    }

    // MARK: Raw events

    /// The headers that an event of our stream has.
    func headers(how: String = "push", delivery: String = "d", stream: StreamID? = nil, workspace: WorkspaceID? = nil)
        -> RecordHeaders
    {
        [
            RawHeader.workspace: (workspace ?? self.workspace).rawValue,
            RawHeader.connection: connection.rawValue,
            RawHeader.stream: (stream ?? self.stream).rawValue,
            RawHeader.connector: "notes@1", RawHeader.how: how, RawHeader.receivedAt: Timestamp.then.description,
            RawHeader.contentType: "application/json", RawHeader.delivery: delivery,
        ]
    }

    /// Appends events of our stream, in order, to the partitions that their keys choose.
    @discardableResult
    func push(_ payloads: [String], key: (Int) -> String = { "k\($0)" }) async throws -> [LogPosition] {
        var batch = RecordBatch()
        for (i, payload) in payloads.enumerated() {
            batch.append(key: key(i), headers: headers(delivery: "d\(i)"), value: Array(payload.utf8))
        }
        return try await log.append(batch, to: .raw)
    }

    // MARK: Working

    /// Parses until the raw topic is at its end, as one process.
    func drain(_ handler: RawEventHandler, limit: Int = 1000) async throws {
        let consumer = try await log.consumer(of: .raw, group: .parser) { try await handler.start(of: $0) }
        do {
            while true {
                let batches = try await consumer.next(limit: limit, wait: .zero)
                if batches.isEmpty { break }
                try await handler.handle(batches)
                try await consumer.commit(batches)
            }
        } catch {
            await consumer.close()
            throw error
        }
        await consumer.close()
    }

    // MARK: Looking

    /// All feedback on the topic, without what a reader knows to be sent twice.
    func feedback() async throws -> [Feedback] {
        var list: [Feedback] = []
        for partition in 0..<Topic.feedback.partitions {
            var highest: [Int: Feedback.RawReference] = [:]
            for record in try await all(of: .feedback, partition: partition) {
                let feedback = try Feedback(try JSONDocument(parsing: record.value ?? []).root)
                if let last = highest[feedback.raw.partition], feedback.raw <= last { continue }
                highest[feedback.raw.partition] = feedback.raw
                list.append(feedback)
            }
        }
        return list.sorted { $0.raw < $1.raw }
    }

    /// All dead letters on the topic, each once.
    func deadLetters() async throws -> [DeadLetter] {
        var seen: Set<DeadLetterID> = []
        return try await all(of: .deadLetters, partition: 0).compactMap(\.value)
            .map { try JSONDecoder().decode(DeadLetter.self, from: Data($0)) }
            .filter { seen.insert($0.id).inserted }
            .sorted { ($0.partition, $0.offset, $0.item) < ($1.partition, $1.offset, $1.item) }
    }

    func ledger() async throws -> ParserLedger { try await ParserLedger.load(from: database) }

    struct Record: Sendable {
        let key: [UInt8]?
        let headers: RecordHeaders
        let value: [UInt8]?
    }

    func all(of topic: Topic, partition: Int) async throws -> [Record] {
        var records: [Record] = []
        var at: Int64 = 0
        while true {
            let batch = try await log.read(topic, partition: partition, from: at, limit: 1000)
            guard !batch.isEmpty else { return records }
            for i in 0..<batch.count {
                records.append(
                    Record(
                        key: batch.key(at: i).map(Array.init), headers: batch.headers(at: i),
                        value: batch.value(at: i).map(Array.init)))
            }
            at = batch.offset(at: batch.count - 1) + 1
        }
    }
}

/// The parser sends nothing to the outside.
struct NoTransport: HTTPTransport {
    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        throw .forbiddenAddress(request.url)
    }
}

extension ParserSettings {
    /// Never stops for dead letters.
    static var unlimited: ParserSettings {
        var settings = ParserSettings()
        settings.deadLetterBudget = DeadLetterBudget(ratio: 1)
        return settings
    }
}

extension Timestamp {
    /// The time of all that happens here.
    static let then = Timestamp("2021-02-20T10:11:12Z")!
}

extension Logger {
    static let quiet: Logger = {
        var logger = Logger(label: "parser-tests")
        logger.logLevel = .critical
        return logger
    }()
}
