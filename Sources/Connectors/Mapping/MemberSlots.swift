import ByteJSON

/// The members of an object that a mapping looks at, each with a slot.
struct MemberSlots: Sendable {
    private(set) var names: [String] = []

    mutating func slot(of name: String) -> Int {
        if let slot = names.firstIndex(of: name) { return slot }
        names.append(name)
        return names.count - 1
    }
}

/// The way from a value to one inside it.
struct Way: Sendable {
    private enum Step: Sendable {
        case member(JSONKey)
        /// A position in an array; in an object a member of this name.
        case element(Int, JSONKey)
    }

    private let steps: [Step]
    /// Where there is but one member on it.
    private let only: JSONKey?

    var isEmpty: Bool { steps.isEmpty }

    init(_ steps: some Collection<Path.Step>) {
        self.steps = steps.map { step in
            switch step {
            case .member(let name): .member(JSONKey(name))
            case .element(let position): .element(position, JSONKey(String(position)))
            }
        }
        only = if self.steps.count == 1, case .member(let key) = self.steps[0] { key } else { nil }
    }

    func value(in view: JSONView) -> JSONView? {
        if let only { return view[only] }
        var current = view
        for step in steps {
            let next: JSONView? =
                switch step {
                case .member(let key): current[key]
                case .element(let position, let key): current.kind == .array ? current[position] : current[key]
                }
            guard let next else { return nil }
            current = next
        }
        return current
    }
}

extension OperationCompiler {
    /// The slot of an item's member; nil where there is no table.
    mutating func itemSlot(of name: String) -> Int? { itemTable.map { tables[$0].slot(of: name) } }

    /// Looks up a path in a frame.
    mutating func lookUp(_ path: Path) -> Operation {
        let way = Way(path.relative)
        switch path.origin {
        case .item:
            guard let table = itemTable, case .member(let name)? = path.relative.first else {
                return Operation { frame in Term(frame.pointee.item.flatMap { way.value(in: $0) }) }
            }
            let slot = tables[table].slot(of: name)
            let rest = Way(path.relative.dropFirst())
            if rest.isEmpty { return Operation { Term($0.pointee.itemMember(slot)) } }
            return Operation { frame in Term(frame.pointee.itemMember(slot).flatMap { rest.value(in: $0) }) }
        case .root:
            guard let table = rootTable, case .member(let name)? = path.relative.first else {
                return Operation { frame in
                    Term((frame.pointee.root ?? frame.pointee.item).flatMap { way.value(in: $0) })
                }
            }
            let slot = tables[table].slot(of: name)
            let rest = Way(path.relative.dropFirst())
            return Operation { frame in Term(frame.pointee.rootMember(slot).flatMap { rest.value(in: $0) }) }
        case .context: return Operation { frame in Term(frame.pointee.context.flatMap { way.value(in: $0) }) }
        case .body:
            let inItem = Way(path.steps)
            return Operation { frame in
                if let body = frame.pointee.body { return Term(way.value(in: body)) }
                return Term(frame.pointee.item.flatMap { inItem.value(in: $0) })
            }
        case .headers:
            let name = path.leaf
            // Every other name is a header.
            if name == "item" { return Operation { Term.text($0.pointee.position.map(String.init)) } }
            if let slot = headers?.slot(of: name) { return Operation { Term.text($0.pointee.headers.text(slot)) } }
            return Operation { Term.text($0.pointee.lookUp.value(name)) }
        case .entity, .config, .stream:
            let (origin, steps) = (path.origin, path.relative)
            return Operation { frame in
                let settings =
                    switch origin {
                    case .entity: frame.pointee.settings.entity
                    case .config: frame.pointee.settings.config
                    default: frame.pointee.settings.stream
                    }
                return Term(steps.value(in: settings).flatMap { MappedValue($0) })
            }
        }
    }
}
