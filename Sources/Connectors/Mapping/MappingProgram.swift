import ByteJSON
import Common

/// The compiled mapping of one stream.
final class MappingProgram: Sendable {
    private let shapes: [CompiledShape]
    private let formField: String?
    private let settings: Frame.Settings
    /// Find the members that are wanted of the root, and those of the items of each shape.
    private let rootTable: JSONMemberTable
    private let tables: [JSONMemberTable]
    private let headerSlots: HeaderSlots

    init(manifest: Manifest, stream: StreamFacts) throws(MappingError) {
        var shapes = manifest.normalise.shapes
        if let mapping = stream.mapping {
            let override = try MappingOverride(mapping)
            shapes = shapes.map { override.applied(to: $0) }
        }
        let streamValues: [String: JSON] = ["id": .string(stream.id), "name": .string(stream.name)]
        let scope = MappingScope(item: nil, entity: stream.entity, config: stream.config, stream: streamValues)
        var slots = [MemberSlots()]
        var headerSlots = HeaderSlots()
        self.shapes = shapes.map { CompiledShape($0, settings: scope, tables: &slots, headers: &headerSlots) }
        self.headerSlots = headerSlots
        tables = slots.map { JSONMemberTable($0.names) }
        rootTable = tables[0]
        settings = Frame.Settings(entity: stream.entity, config: stream.config, stream: streamValues)
        formField = manifest.receive?.formField
    }

    func outcomes(of payload: UnsafeBufferPointer<UInt8>, _ record: RecordHeaders) -> [MappingOutcome] {
        withHeaders(record) { headers in
            do throws(JSONError) {
                guard let contentType = headers.bytes(HeaderSlots.contentType), Payload.isForm(contentType) else {
                    return try JSONView.scanning(payload) { outcomes(of: $0, headers) }
                }
                let document = try Payload.document(
                    payload, contentType: String(decoding: contentType, as: UTF8.self), formField: formField)
                return document.root.withView { outcomes(of: $0, headers) }
            } catch {
                return [.malformed(reason: error.description)]
            }
        }
    }

    func outcomes(of root: JSONView, _ record: RecordHeaders) -> [MappingOutcome] {
        withHeaders(record) { outcomes(of: root, $0) }
    }

    private func withHeaders(_ record: RecordHeaders, _ body: (Frame.Headers) -> [MappingOutcome]) -> [MappingOutcome] {
        withUnsafeTemporaryAllocation(of: Range<Int>.self, capacity: headerSlots.count) { values in
            headerSlots.find(in: record, values)
            return body(Frame.Headers(record: record, values: values))
        }
    }

    private func outcomes(of root: JSONView, _ headers: Frame.Headers) -> [MappingOutcome] {
        guard let context = headers.bytes(HeaderSlots.context) else {
            return outcomes(of: root, context: nil, headers)
        }
        let withContext = context.withUnsafeBufferPointer { bytes in
            try? JSONView.scanning(bytes) { outcomes(of: root, context: $0, headers) }
        }
        return withContext ?? outcomes(of: root, context: nil, headers)
    }

    private func outcomes(of root: JSONView, context: JSONView?, _ headers: Frame.Headers) -> [MappingOutcome] {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: rootTable.names.count) { positions in
            let members = Frame.Members(root, rootTable, positions)
            var frame = Frame(
                item: root, root: root, context: context, itemMembers: members, rootMembers: members,
                lookUp: .none, headers: headers, settings: settings)
            guard let shape = shapes.first(where: { $0.when?.callAsFunction(&frame) ?? true }) else {
                return [.malformed(reason: "the connector knows no such payload: none of its shapes takes it")]
            }
            guard let items = shape.items(in: root) else {
                return [
                    .malformed(reason: "nothing at `\(shape.items)`, where the shape `\(shape.name)` has its items")
                ]
            }
            if shape.isWhole, items.kind != .array { return [shape.read(&frame)] }
            return outcomes(of: items, by: shape, &frame)
        }
    }

    /// Maps one item, or each of an array, of which none is the root.
    private func outcomes(of items: JSONView, by shape: CompiledShape, _ frame: inout Frame) -> [MappingOutcome] {
        let table = tables[shape.table]
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: table.names.count) { positions in
            func outcome(of item: JSONView) -> MappingOutcome {
                frame.item = item
                frame.itemMembers = Frame.Members(item, table, positions)
                return shape.read(&frame)
            }
            guard items.kind == .array else { return [outcome(of: items)] }
            var outcomes: [MappingOutcome] = []
            for element in items.elements {
                frame.position = outcomes.count
                outcomes.append(outcome(of: element))
            }
            return outcomes.isEmpty ? [.filtered(reason: "no items")] : outcomes
        }
    }
}
