public import ByteJSON
public import Common

/// Turns the payloads of one stream into items of the uniform schema, by the connector's manifest.
///
/// Made once for a stream, used for all its events on any thread.
public struct Mapper: Sendable {
    private let shapes: [CompiledShape]
    private let formField: String?
    private let facts: StreamFacts
    private let streamValues: [String: JSON]

    /// Compiles the mapping of a stream.
    ///
    /// - Throws: ``MappingError`` if the stream's own mapping is wrong.
    public init(manifest: Manifest, stream: StreamFacts = StreamFacts()) throws(MappingError) {
        var shapes = manifest.normalise.shapes
        if let mapping = stream.mapping {
            let override = try MappingOverride(mapping)
            shapes = shapes.map { override.applied(to: $0) }
        }
        let streamValues: [String: JSON] = ["id": .string(stream.id), "name": .string(stream.name)]
        let settings = MappingScope(item: nil, entity: stream.entity, config: stream.config, stream: streamValues)
        self.shapes = shapes.map { CompiledShape($0, settings: settings) }
        self.streamValues = streamValues
        formField = manifest.receive?.formField
        facts = stream
    }

    /// What the items of a raw event become: one outcome at least, in the order of the payload.
    public func map(_ payload: some Collection<UInt8>, headers: RecordHeaders) -> [MappingOutcome] {
        map(Array(payload), headers: headers)
    }

    /// What the items of a raw event become, as above.
    public func map(_ payload: ArraySlice<UInt8>, headers: RecordHeaders) -> [MappingOutcome] {
        map(Array(payload), headers: headers)
    }

    /// What the items of a raw event become, as above.
    public func map(_ payload: [UInt8], headers: RecordHeaders) -> [MappingOutcome] {
        do throws(JSONError) {
            let document = try Payload.document(
                payload, contentType: headers[RawHeader.contentType], formField: formField)
            return map(document, headers: headers)
        } catch {
            return [.malformed(reason: error.description)]
        }
    }

    /// What the items of a parsed payload become.
    public func map(_ document: JSONDocument, headers: RecordHeaders) -> [MappingOutcome] {
        var scope = MappingScope(
            item: document.root, headers: .record(headers), entity: facts.entity, config: facts.config,
            stream: streamValues)
        if let context = headers.bytes(RawHeader.context) {
            scope.context = (try? JSONDocument(parsing: Array(context)))?.root
        }
        guard let shape = shapes.first(where: { $0.when?.holds(in: scope) ?? true }) else {
            return [.malformed(reason: "the connector knows no such payload: none of its shapes takes it")]
        }
        guard let found = shape.items.value(in: document.root) else {
            return [.malformed(reason: "nothing at `\(shape.items)`, where the shape `\(shape.name)` has its items")]
        }
        scope.root = document.root
        let reader = ItemReader(shape: shape, headers: headers)
        guard found.kind == .array else {
            scope.item = found
            return [reader.read(scope)]
        }
        var outcomes: [MappingOutcome] = []
        for element in found.elements {
            scope.item = element
            scope.position = outcomes.count
            outcomes.append(reader.read(scope))
        }
        return outcomes.isEmpty ? [.filtered(reason: "no items")] : outcomes
    }
}

/// Why a stream's own mapping cannot be used.
public struct MappingError: Error, Sendable, Hashable, CustomStringConvertible {
    public let reason: String
    public init(reason: String) { self.reason = reason }
    public var description: String { "the mapping is wrong: \(reason)" }
}
