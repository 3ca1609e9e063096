import ByteJSON
import Common

/// What the operations of a compiled mapping see.
///
/// It is made of views, so it must not outlive the payload.
struct Frame {
    var item: JSONView?
    /// The whole payload, where it is more than the item.
    var root: JSONView?
    /// The whole payload of a delivery that is being received.
    var body: JSONView?
    var context: JSONView?
    /// Where the members of the item and of the root lie that the mapping wants.
    var itemMembers = Members()
    var rootMembers = Members()
    /// Where headers are looked up that have no slot.
    var lookUp: MappingScope.Headers
    var headers = Headers()
    var settings: Settings
    /// Position of the item in its payload; nil if the payload is the item.
    var position: Int?

    /// What a ``ByteJSON/JSONMemberTable`` found, by slot.
    struct Members {
        var positions = UnsafeMutableBufferPointer<UInt32>(start: nil, count: 0)
        var present: UInt64 = 0

        /// The bit that no member has, and that is set in any case.
        static let always: UInt64 = 1 << 63

        init() {}

        /// Looks for the members of an item.
        init(_ item: JSONView, _ table: JSONMemberTable, _ positions: UnsafeMutableBufferPointer<UInt32>) {
            self.positions = positions
            present = table.find(in: item, positions) | Self.always
        }
    }

    /// The headers that a mapping wants, by slot: where their values lie.
    struct Headers {
        var record = RecordHeaders()
        var values = UnsafeMutableBufferPointer<Range<Int>>(start: nil, count: 0)

        func bytes(_ slot: Int) -> ArraySlice<UInt8>? {
            let range = values[slot]
            return range.lowerBound < 0 ? nil : record.encoded[range]
        }

        func text(_ slot: Int) -> String? { bytes(slot).map { String(decoding: $0, as: UTF8.self) } }
    }

    /// What does not come with the payload.
    final class Settings: Sendable {
        let entity: [String: JSON]
        let config: [String: JSON]
        let stream: [String: JSON]

        init(entity: [String: JSON] = [:], config: [String: JSON] = [:], stream: [String: JSON] = [:]) {
            self.entity = entity
            self.config = config
            self.stream = stream
        }
    }

    /// The item's member at a slot.
    @inline(__always)
    func itemMember(_ slot: Int) -> JSONView? {
        let position = itemMembers.positions[slot]
        return position == 0 ? nil : item?.value(at: position)
    }

    /// The root's member at a slot.
    @inline(__always)
    func rootMember(_ slot: Int) -> JSONView? {
        let position = rootMembers.positions[slot]
        return position == 0 ? nil : root?.value(at: position)
    }

    /// Hands out the same surroundings with another item.
    func around<Value>(_ element: JSONView, _ body: (UnsafePointer<Frame>) -> Value) -> Value {
        var frame = self
        frame.root = root ?? item
        frame.item = element
        return withUnsafePointer(to: frame, body)
    }
}
