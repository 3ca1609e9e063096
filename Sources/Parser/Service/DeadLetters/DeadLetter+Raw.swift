import ByteJSON
import Common
import Crypto
import Foundation

extension DeadLetterID {
    /// The one id of what failed, however often it fails: a batch done again makes the same dead letters.
    static func derive(topic: String, partition: Int, offset: Int64, item: Int) -> DeadLetterID {
        DeadLetterID(digest: SHA256.hash(data: Array("\(topic)/\(partition)/\(offset)/\(item)".utf8)).prefix(16))
    }
}

extension DeadLetter {
    /// What could not be read of a raw event.
    ///
    /// - Parameter carriesOriginal: Whether key, headers and payload go with it; one dead letter of an event is enough.
    init(
        reason: String, stage: Stage, records: RecordBatch, index: Int, partition: Int, item: Int,
        workspace: WorkspaceID?, stream: StreamID?, at now: Timestamp, carriesOriginal: Bool
    ) {
        let offset = records.offset(at: index)
        self.init(
            id: .derive(topic: Topic.raw.name, partition: partition, offset: offset, item: item),
            workspace: workspace, stream: stream, stage: stage, reason: reason, attempts: 1, at: now,
            topic: Topic.raw.name, partition: partition, offset: offset, item: item, key: nil, headers: [],
            payload: nil, isOmitted: carriesOriginal ? nil : true)
        guard carriesOriginal else { return }
        key = records.key(at: index).map { Data($0).base64EncodedString() }
        headers = records.headers(at: index).all.map { [$0.name, String(decoding: $0.value, as: UTF8.self)] }
        payload = records.value(at: index).map { Data($0).base64EncodedString() }
    }

    /// The key on the topic: that of the event, so that what happened to one thing stays in order.
    var recordKey: [UInt8] { key.flatMap { Data(base64Encoded: $0) }.map(Array.init) ?? Array(id.rawValue.utf8) }

    /// The dead letter as `schemas/dead-letter.v1.schema.json` has it.
    var json: [UInt8] {
        var w = JSONWriter(reservingCapacity: 512 + (payload?.utf8.count ?? 0))
        w.beginObject()
        w.member("id", id.rawValue)
        if let workspace { w.member("workspace_id", workspace.rawValue) }
        if let stream { w.member("stream_id", stream.rawValue) }
        w.member("stage", stage.rawValue)
        w.member("reason", reason)
        w.member("attempts", attempts)
        w.member("at", at.description)
        w.member("topic", topic)
        w.member("partition", partition)
        w.member("offset", offset)
        w.member("item", item)
        if let key { w.member("key", key) }
        w.key("headers")
        w.beginArray()
        for header in headers {
            w.beginArray()
            for part in header { w.string(part) }
            w.endArray()
        }
        w.endArray()
        if let payload { w.member("payload", payload) }
        if isOmitted == true { w.member("omitted", true) }
        w.endObject()
        return w.bytes
    }
}
