import ByteJSON
import Common
import Connectors
import Rows
import ServiceKit

/// What is needed to make raw events of a file's rows, and to know what will become of them.
struct ImportPlan: Sendable {
    let stream: StreamRecord
    let manifest: Manifest
    let facts: StreamFacts

    /// - Throws: ``JobFailure``: the stream is gone, or its connector is not loaded.
    init(_ stream: StreamID, in snapshot: Directory.Snapshot, _ connectors: ConnectorRegistry) throws(JobFailure) {
        guard let record = snapshot.streams[stream], record.status != .deleted,
            snapshot.workspaces[record.workspace]?.isDeleted == false
        else { throw .rejected("the stream \(stream) is gone") }
        guard let manifest = connectors[record.connector] else {
            throw .unavailable("connector `\(record.connector)` is not loaded")
        }
        self.stream = record
        self.manifest = manifest
        facts = StreamFacts(record, connection: snapshot.connections[record.connection])
    }

    /// Whether the connector knows files alone: whatever their columns are called.
    var isOfFiles: Bool { manifest.read.isEmpty && manifest.receive == nil }

    /// - Throws: ``MappingError``.
    func mapper(_ mapping: [String: JSON]) throws(MappingError) -> Mapper {
        try Mapper(manifest: manifest, stream: facts.mapped(by: .object(mapping)))
    }

    /// The headers that all rows of an import have; each has its delivery behind them.
    func headers(_ record: ImportRecord) -> RecordHeaders {
        var headers: RecordHeaders = [
            RawHeader.workspace: stream.workspace.rawValue, RawHeader.connection: stream.connection.rawValue,
            RawHeader.stream: stream.id.rawValue, RawHeader.connector: manifest.identity,
            RawHeader.how: "import", RawHeader.receivedAt: record.createdAt.description,
            RawHeader.contentType: "application/json", RawHeader.importID: record.id.rawValue,
        ]
        if !record.mapping.isEmpty { headers.append(RawHeader.mapping, JSON.object(record.mapping).bytes) }
        return headers
    }
}

/// What is to be done with a row.
enum RowVerdict {
    /// To be put on the log; the connector may leave it out.
    case good(json: [UInt8], isLeftOut: Bool)
    case bad(BadRow)
}

/// Judges rows as the parser will.
struct RowJudge: Sendable {
    private static let maximumOriginalBytes = 64 << 10

    let mapper: Mapper
    let mapping: [String: JSON]

    func verdict(on row: Row, of reader: RowReader, headers: RecordHeaders) -> RowVerdict {
        let json: [UInt8]
        do throws(RowFault) {
            json = try reader.json(of: row)
        } catch {
            return .bad(bad(row, error.description))
        }
        let outcomes = mapper.map(json, headers: headers)
        var isLeftOut = true
        var reason: String?
        for outcome in outcomes {
            switch outcome {
            case .item: return .good(json: json, isLeftOut: false)
            case .filtered: continue
            case .malformed(let why):
                isLeftOut = false
                reason = reason ?? why
            }
        }
        return isLeftOut ? .good(json: json, isLeftOut: true) : .bad(bad(row, reason ?? "cannot be read"))
    }

    private func bad(_ row: Row, _ reason: String) -> BadRow {
        // "created_at: not a date": the column that the field is read from.
        let field = reason.split(separator: ":", maxSplits: 1).first.map(String.init)
        let column = field.flatMap { field in
            NormalisedField(rawValue: field).map { _ in Self.path(in: mapping[field]) ?? field }
        }
        return BadRow(
            row: row.number, line: row.line, column: column, reason: reason,
            original: Array(row.text.prefix(Self.maximumOriginalBytes)))
    }

    /// The column that an expression reads: itself, or what its function is of.
    private static func path(in expression: JSON?) -> String? {
        expression?.string ?? expression?.object?.values.first?.string ?? path(in: expression?.array?.first)
    }
}
