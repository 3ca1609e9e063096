import ByteJSON
import Common

/// A shape as one stream needs it: what its settings decide is decided, and its expressions are operations.
///
/// A class, so that handing it around copies nothing.
final class CompiledShape: Sendable {
    let name: String
    let when: Test?
    let items: Path
    /// Whether the payload itself is the item, or the array of items.
    let isWhole: Bool
    private let way: Way
    let skip: Test?
    let required: [NormalisedField]
    /// What all items have alike.
    let beginning: MappedItem
    let draft: Draft
    let fields: [CompiledField]
    /// By ``CompiledField/operation``.
    let operations: [Operation]
    let custom: [(name: String, value: Operation)]
    /// Which of the mapper's tables finds the members of an item; the first is the root's.
    let table: Int

    /// - Parameters:
    ///   - tables: Of the members that are wanted; the first one is that of the root.
    ///   - headers: That are wanted.
    init(
        _ shape: Normalisation.Shape, settings: MappingScope, tables: inout [MemberSlots], headers: inout HeaderSlots
    ) {
        var beginning = MappedItem(
            instance: "", externalID: "", createdAt: Timestamp(milliseconds: 0), revision: 0)
        var draft = Draft()
        var fields: [(field: NormalisedField, value: Expression)] = []
        for (field, expression) in shape.fields {
            let folded = expression.folded(in: settings).inItem
            if let value = folded.constantValue, draft.set(field, of: &beginning, to: .made(value)) == nil { continue }
            if !folded.isMissing { fields.append((field, folded)) }
        }
        name = shape.name
        items = Path(shape.items)
        isWhole = items.steps.isEmpty
        way = Way(items.steps)
        required = shape.required
        self.beginning = beginning
        self.draft = draft

        // What is the payload itself shares the root's table, so that one pass serves both.
        if isWhole {
            table = 0
        } else {
            table = tables.count
            tables.append(MemberSlots())
        }
        var ofRoot = OperationCompiler(tables: tables, headers: headers, item: 0, root: 0)
        when = shape.when.map { ofRoot.test($0.folded(in: settings).inItem) }
        var compiler = OperationCompiler(tables: ofRoot.tables, headers: ofRoot.headers, item: table, root: 0)
        skip = shape.skip.map { compiler.test($0.folded(in: settings).inItem) }
        var operations: [Operation] = []
        self.fields = fields.map { CompiledField($0.field, $0.value, &compiler, &operations) }
        self.operations = operations
        custom = shape.custom.map { ($0.name, compiler.operation($0.value.folded(in: settings).inItem)) }
        tables = compiler.tables
        headers = compiler.headers ?? headers
    }

    /// Where the items are in a payload.
    func items(in root: JSONView) -> JSONView? { way.value(in: root) }
}

/// How a field comes by its value.
struct CompiledField: Sendable {
    let field: NormalisedField
    /// The item's member that is all there is to it; -1 where there is more.
    let slot: Int
    /// Which of the shape's operations gives it.
    let operation: Int
    /// The members without which the value is missing, as ``Frame/Members/present`` has them; the bit that is always
    /// set if it may be there in any case.
    let needed: UInt64

    init(
        _ field: NormalisedField, _ expression: Expression, _ compiler: inout OperationCompiler,
        _ operations: inout [Operation]
    ) {
        self.field = field
        needed = compiler.membersNeeded(by: expression) ?? Frame.Members.always
        if case .path(let path) = expression, path.origin == .item, path.relative.count == 1,
            case .member(let name)? = path.relative.first, let slot = compiler.itemSlot(of: name)
        {
            self.slot = slot
        } else {
            slot = -1
        }
        operation = operations.count
        operations.append(compiler.operation(expression))
    }
}

extension OperationCompiler {
    /// The members of an item without which an expression has no value; nil if it may have one without any.
    mutating func membersNeeded(by expression: Expression) -> UInt64? {
        var paths: [Path] = []
        _ = expression.mapPaths {
            paths.append($0)
            return $0
        }
        guard !paths.isEmpty, expression.evaluate(in: MappingScope(item: nil)) == nil else { return nil }
        var needed: UInt64 = 0
        for path in paths {
            guard path.origin == .item, case .member(let name)? = path.relative.first, let slot = itemSlot(of: name)
            else { return nil }
            needed |= JSONMemberTable.bit(of: slot)
        }
        return needed
    }
}

extension Expression {
    /// As it is looked up in an item: outside of `receive`, `body` is a name like any other.
    fileprivate var inItem: Expression { mapPaths(\.inItem) }
}

extension Condition {
    fileprivate var inItem: Condition { mapPaths(\.inItem) }
}
