import ByteJSON

extension Expression {
    /// The value of the expression; nil is missing.
    ///
    /// For single uses: ``Mapper`` makes its expressions ready once.
    public func evaluate(in scope: MappingScope) -> MappedValue? {
        var compiler = OperationCompiler()
        let operation = compiler.operation(self)
        return scope.withFrame { MappedValue(operation($0), of: scope) }
    }
}

extension Condition {
    /// Whether the condition holds.
    public func holds(in scope: MappingScope) -> Bool {
        var compiler = OperationCompiler()
        let test = compiler.test(self)
        return scope.withFrame { test($0) }
    }
}

extension MappingScope {
    /// Hands out the scope as operations see it, while `body` runs.
    fileprivate func withFrame<Value>(_ body: (UnsafePointer<Frame>) -> Value) -> Value {
        let settings = Frame.Settings(entity: entity, config: config, stream: stream)
        return Self.withViews(item, root) { item, root in
            Self.withViews(self.body, context) { whole, context in
                let frame = Frame(
                    item: item, root: root, body: whole, context: context, lookUp: headers, settings: settings,
                    position: position)
                return withUnsafePointer(to: frame, body)
            }
        }
    }

    private static func withViews<Value>(
        _ first: JSONValue?, _ second: JSONValue?, _ body: (JSONView?, JSONView?) -> Value
    ) -> Value {
        func withSecond(_ view: JSONView?) -> Value { second?.withView { body(view, $0) } ?? body(view, nil) }
        return first?.withView { withSecond($0) } ?? withSecond(nil)
    }

    /// The value that a view is of.
    fileprivate func value(of view: JSONView) -> JSONValue? {
        for value in [item, root, body, context] {
            if let found = value?.value(of: view) { return found }
        }
        return nil
    }
}

extension MappedValue {
    /// A term with its views as values that keep their documents alive.
    fileprivate init?(_ term: Term, of scope: MappingScope) {
        switch term {
        case .missing: return nil
        case .view(let view):
            guard let value = scope.value(of: view) else { return nil }
            self = .value(value)
        case .part(let bytes): self = .string(String(decoding: bytes, as: UTF8.self))
        case .made(let value): self = value
        case .list(let terms): self = .list(terms.compactMap { MappedValue($0, of: scope) })
        }
    }
}
