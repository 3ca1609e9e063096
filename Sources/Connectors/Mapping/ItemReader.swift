import ByteJSON
import Common

extension CompiledShape {
    /// What becomes of the item that the frame is about.
    func read(_ frame: UnsafePointer<Frame>) -> MappingOutcome {
        guard frame.pointee.item?.kind == .object else { return .malformed(reason: "the item is no object") }
        if skip?.callAsFunction(frame) == true { return .filtered(reason: "the connector leaves such items out") }
        var item = beginning
        if let other = fill(&item, from: frame) { return other }
        return .item(consume item)
    }

    /// Reads the fields; answers what becomes of the item, if it is none.
    private func fill(_ item: inout MappedItem, from frame: UnsafePointer<Frame>) -> MappingOutcome? {
        var draft = draft
        let present = frame.pointee.itemMembers.present
        for field in fields where present & field.needed != 0 {
            let term =
                field.slot < 0 ? operations[field.operation](frame) : Term(frame.pointee.itemMember(field.slot))
            if term.isMissing { continue }
            if let reason = draft.set(field.field, of: &item, to: term) {
                return .malformed(reason: "\(field.field.rawValue): \(reason)")
            }
        }
        for (name, value) in custom {
            let term = value(frame)
            if term.isMissing { continue }
            if name != "*" {
                if item.custom.isEmpty { item.custom = [name: term.json] } else { item.custom[name] = term.json }
            } else if let members = term.json.object {
                item.custom.merge(members) { $1 }
            }
        }
        return draft.finish(
            &item, required: required, arrival: Arrival(headers: frame.pointee.headers.record))
    }
}

/// How and when an event came in; read from its headers only where an item does not tell its own time.
struct Arrival {
    let headers: RecordHeaders

    var isPush: Bool { headers[RawHeader.how] == "push" }
    var time: Timestamp { headers[RawHeader.receivedAt].flatMap { Timestamp($0) } ?? .now }
}
