import ByteJSON
import Common
import Connectors
import ServiceKit

/// Everything about a stream that its events are parsed with, looked up and compiled once.
final class StreamPlan: Sendable {
    let stream: StreamRecord
    let workspace: WorkspaceRecord
    let manifest: Manifest
    let mapper: Mapper
    /// What every piece of feedback of the stream has in its headers.
    let feedbackHeaders: RecordHeaders

    init(stream: StreamRecord, workspace: WorkspaceRecord, manifest: Manifest, mapper: Mapper) {
        self.stream = stream
        self.workspace = workspace
        self.manifest = manifest
        self.mapper = mapper
        feedbackHeaders = [FeedbackHeader.workspace: workspace.id.rawValue]
    }
}

/// What is to be done with a stream's events.
enum StreamVerdict: Sendable {
    case parse(StreamPlan)
    /// The same outcome for each of them, and whose they are as far as it can be told.
    case refuse(MappingOutcome, WorkspaceID?, StreamID?)
}

/// The plans of the streams that a batch meets; each is made when its first event comes.
struct StreamPlans: Sendable {
    private let snapshot: Directory.Snapshot
    private let connectors: ConnectorRegistry
    private var verdicts: [ArraySlice<UInt8>: StreamVerdict] = [:]
    /// Of events that came with a mapping, by stream and mapping.
    private var mapped: [[ArraySlice<UInt8>]: StreamVerdict] = [:]
    /// Events of one stream mostly come together.
    private var last: (stream: ArraySlice<UInt8>, mapping: ArraySlice<UInt8>, verdict: StreamVerdict)?

    init(_ snapshot: Directory.Snapshot, connectors: ConnectorRegistry) {
        self.snapshot = snapshot
        self.connectors = connectors
    }

    /// What is to be done with an event of these facts.
    mutating func verdict(for facts: RawFacts) -> StreamVerdict {
        let verdict: StreamVerdict
        if let last, last.stream == facts.stream, last.mapping == facts.mapping {
            verdict = last.verdict
        } else {
            if facts.mapping.isEmpty {
                verdict = verdicts[facts.stream] ?? make(for: facts)
                verdicts[facts.stream] = verdict
            } else {
                verdict = mapped[[facts.stream, facts.mapping]] ?? make(for: facts)
                mapped[[facts.stream, facts.mapping]] = verdict
            }
            last = (facts.stream, facts.mapping, verdict)
        }
        if case .parse(let plan) = verdict, !facts.workspace.elementsEqual(plan.stream.workspace.rawValue.utf8) {
            let named = String(decoding: facts.workspace, as: UTF8.self)
            return .refuse(
                .malformed(reason: "the event names workspace \(named), its stream \(plan.stream.id) is another one's"),
                nil, nil)
        }
        return verdict
    }

    private func make(for facts: RawFacts) -> StreamVerdict {
        let text = String(decoding: facts.stream, as: UTF8.self)
        guard let id = StreamID(text), let stream = snapshot.streams[id] else {
            let workspace = WorkspaceID(String(decoding: facts.workspace, as: UTF8.self)).flatMap {
                snapshot.workspaces[$0]?.id
            }
            return .refuse(
                .malformed(reason: text.isEmpty ? "the event names no stream" : "there is no stream \(text)"),
                workspace, nil)
        }
        guard let workspace = snapshot.workspaces[stream.workspace], !workspace.isDeleted, stream.status != .deleted
        else { return .refuse(.filtered(reason: "the stream was deleted"), stream.workspace, stream.id) }
        guard let manifest = connectors[stream.connector] else {
            return .refuse(
                .malformed(
                    reason: "there is no connector \(stream.connector); put its manifest into the connectors folder"),
                workspace.id, stream.id)
        }
        do {
            var stated = StreamFacts(stream, connection: snapshot.connections[stream.connection])
            if !facts.mapping.isEmpty {
                guard let mapping = try? JSONDocument(parsing: Array(facts.mapping)).root, mapping.kind == .object
                else {
                    return .refuse(
                        .malformed(reason: "the mapping that came with the event is no JSON object"), workspace.id,
                        stream.id)
                }
                stated = stated.mapped(by: JSON(mapping))
            }
            return .parse(
                StreamPlan(
                    stream: stream, workspace: workspace, manifest: manifest,
                    mapper: try Mapper(manifest: manifest, stream: stated)))
        } catch {
            return .refuse(.malformed(reason: error.description), workspace.id, stream.id)
        }
    }
}
