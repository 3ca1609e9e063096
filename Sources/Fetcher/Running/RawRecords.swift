import ByteJSON
import Common
import Connectors

/// Makes records of `earshot.raw` out of a page's items: bytes verbatim, facts in headers, the identity as key.
struct RawRecords: Sendable {
    let workspace: WorkspaceID
    let stream: StreamID
    let connection: ConnectionID
    let connector: String
    /// `name@version`.
    let connectorIdentity: String

    init(_ stream: StreamRecord, manifest: Manifest) {
        workspace = stream.workspace
        self.stream = stream.id
        connection = stream.connection
        connector = manifest.name
        connectorIdentity = manifest.identity
    }

    func batch(_ items: [PageItem], source: String, context: [String: JSON], receivedAt: Timestamp) -> RecordBatch {
        var headers: RecordHeaders = [
            RawHeader.workspace: workspace.rawValue, RawHeader.connection: connection.rawValue,
            RawHeader.stream: stream.rawValue, RawHeader.connector: connectorIdentity, RawHeader.how: "pull",
            RawHeader.receivedAt: receivedAt.description, RawHeader.contentType: "application/json",
            RawHeader.source: source,
        ]
        if !context.isEmpty { headers.append(RawHeader.context, JSON.object(context).bytes) }
        var batch = RecordBatch()
        batch.reserveCapacity(
            records: items.count, bytes: items.reduce(0) { $0 + $1.value.range.count + headers.encoded.count + 32 })
        for item in items { batch.append(key: key(of: item), headers: headers, value: item.value.raw) }
        return batch
    }

    /// The feedback's identity; of an item that has none, something that is the same whenever it is read.
    private func key(of item: PageItem) -> String {
        guard let externalID = item.externalID else { return stream.rawValue + item.id }
        return FeedbackID.derive(
            workspace: workspace, connector: connector, instance: item.instance ?? "", externalID: externalID
        ).rawValue
    }
}
