import ByteJSON
import Crypto

/// Where the raw events of a workspace lie that were carried over from another installation's log.
///
/// Tables and documents name raw events by partition and offset, and each log has its own.
public struct CarriedEvents: Sendable {
    public let workspace: WorkspaceID
    private let places: [LogPosition: LogPosition]

    /// - Parameter places: Where each event lies, by where it lay.
    public init(of workspace: WorkspaceID, places: [LogPosition: LogPosition]) {
        self.workspace = workspace
        self.places = places
    }

    /// Where an event lies now.
    ///
    /// - Returns: For what was not carried over a place that is on no log, partition -1, and the same for the same
    ///   event.
    public func place(of topic: String, partition: Int, offset: Int64) -> LogPosition {
        if topic == Topic.raw.name, let place = places[LogPosition(partition: partition, offset: offset)] {
            return place
        }
        let name = "\(workspace)/\(topic)/\(partition)/\(offset)"
        let digest = Digest128(SHA256.hash(data: Array(name.utf8)))
        // A number that JSON's readers hold exactly
        return LogPosition(partition: -1, offset: Int64(digest.high >> 11))
    }

    /// The JSON of feedback, byte by byte as it is, but with the place of its raw event on this log and the account
    /// that it belongs to now. What is no feedback stays as it is.
    public func document(_ document: [UInt8], of account: AccountID) -> [UInt8] {
        guard !document.isEmpty, let json = try? JSONDocument(parsing: document).root,
            let raw = json["context_info"]?["raw"], let partition = raw["partition"], let offset = raw["offset"],
            let oldPartition = partition.int64, let oldOffset = offset.int64
        else { return document }
        let place = place(of: Topic.raw.name, partition: Int(clamping: oldPartition), offset: oldOffset)
        var changes = [
            (partition.range, Array(String(place.partition).utf8)), (offset.range, Array(String(place.offset).utf8)),
        ]
        if let owner = json["core_attributes"]?["tenant_info"]?["account_id"] {
            changes.append((owner.range, JSON.string(account.rawValue).bytes))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(document.count + 16)
        var at = 0
        for (range, text) in changes.sorted(by: { $0.0.lowerBound < $1.0.lowerBound }) {
            bytes += document[at..<range.lowerBound]
            bytes += text
            at = range.upperBound
        }
        return bytes + document[at...]
    }
}
