import ByteJSON
import Common

/// An expression made ready to be evaluated many times.
///
/// The frame is handed over by its address, as a copy for every call would cost more than most operations do; and the
/// function is a member, as one that is stored in an array or an optional by itself is called through another one.
struct Operation: Sendable {
    private let run: @Sendable (UnsafePointer<Frame>) -> Term

    init(_ run: @escaping @Sendable (UnsafePointer<Frame>) -> Term) { self.run = run }

    @inline(__always)
    func callAsFunction(_ frame: UnsafePointer<Frame>) -> Term { run(frame) }
}

/// A condition made ready.
struct Test: Sendable {
    private let run: @Sendable (UnsafePointer<Frame>) -> Bool

    init(_ run: @escaping @Sendable (UnsafePointer<Frame>) -> Bool) { self.run = run }

    @inline(__always)
    func callAsFunction(_ frame: UnsafePointer<Frame>) -> Bool { run(frame) }
}

/// Makes operations of expressions: paths become slots or keys, constants and marks become bytes.
struct OperationCompiler {
    /// The members of the item, and of the root, that are found in one pass before operations run; nil where each is
    /// looked for when it is wanted.
    var tables: [MemberSlots]
    /// The headers that are found in one pass; nil where each is looked for when it is wanted.
    var headers: HeaderSlots?
    let itemTable: Int?
    let rootTable: Int?

    init() { self.init(tables: [], headers: nil, item: nil, root: nil) }

    /// - Parameters:
    ///   - tables: Grow by what is wanted.
    ///   - item: Which of them is the item's.
    init(tables: [MemberSlots], headers: HeaderSlots?, item: Int?, root: Int?) {
        self.tables = tables
        self.headers = headers
        itemTable = item
        rootTable = root
    }

    // MARK: - Expressions

    mutating func operation(_ expression: Expression) -> Operation {
        switch expression {
        case .path(let path): return lookUp(path)
        case .constant(let json):
            let value = MappedValue(json)
            return Operation { _ in Term(value) }
        case .coalesce(let choices): return Self.first(of: choices.map { operation($0) })
        case .call(let function, let arguments):
            guard let value = arguments.first.map({ operation($0) }) else { return Operation { _ in .missing } }
            guard let argument = arguments.dropFirst().first else {
                return Operation { function.apply(to: value($0), []) }
            }
            if case .constant(.string(let text)) = argument {
                let bytes = Array(text.utf8)
                return Operation { function.apply(to: value($0), bytes) }
            }
            let second = operation(argument)
            return Operation { function.apply(to: value($0), Array((second($0).string ?? "").utf8)) }
        case .join(let parts, let separator):
            let operations = parts.map { operation($0) }
            return Operation { frame in
                let texts = operations.flatMap { $0(frame).strings }.filter { !$0.isEmpty }
                return texts.isEmpty ? .missing : .made(.string(texts.joined(separator: separator)))
            }
        case .concatenate(let parts):
            let text = Concatenation(parts) { operation($0) }
            return Operation { text.term(in: $0) }
        case .when(let condition, let yes, let no):
            let test = test(condition)
            let yes = operation(yes)
            guard let no = no.map({ operation($0) }) else { return Operation { test($0) ? yes($0) : .missing } }
            return Operation { test($0) ? yes($0) : no($0) }
        case .map(let expression, let table, let fallback):
            let key = operation(expression)
            let values = table.mapValues { MappedValue($0) }
            let other = fallback.flatMap { MappedValue($0) }
            return Operation { frame in
                guard let text = key(frame).string, let value = values[text] else { return Term(other) }
                return Term(value)
            }
        case .each(let list, let condition, let take):
            let list = operation(list)
            var inner = OperationCompiler(tables: [], headers: headers, item: nil, root: nil)
            defer { headers = inner.headers }
            let test = condition.map { inner.test($0) }
            let take = inner.operation(take)
            return Operation { frame in
                let list = list(frame)
                if list.isMissing { return .missing }
                var taken: [Term] = []
                for element in list.views {
                    let term = frame.pointee.around(element) { around in
                        test?.callAsFunction(around) ?? true ? take(around) : .missing
                    }
                    if !term.isMissing { taken.append(term) }
                }
                return .list(taken)
            }
        case .find(let list, let condition, let take):
            let list = operation(list)
            var inner = OperationCompiler(tables: [], headers: headers, item: nil, root: nil)
            defer { headers = inner.headers }
            let test = inner.test(condition)
            let take = inner.operation(take)
            return Operation { frame in
                for element in list(frame).views {
                    let found: Term? = frame.pointee.around(element) { test($0) ? take($0) : nil }
                    if let found { return found }
                }
                return .missing
            }
        }
    }

    /// The first that is neither missing nor empty.
    private static func first(of choices: [Operation]) -> Operation {
        switch choices.count {
        case 0: return Operation { _ in .missing }
        case 1:
            let only = choices[0]
            return Operation { frame in
                let term = only(frame)
                return term.isEmpty ? .missing : term
            }
        case 2:
            let (a, b) = (choices[0], first(of: [choices[1]]))
            return Operation { frame in
                let term = a(frame)
                return term.isEmpty ? b(frame) : term
            }
        default:
            let (a, b, rest) = (choices[0], choices[1], first(of: Array(choices[2...])))
            return Operation { frame in
                let term = a(frame)
                if !term.isEmpty { return term }
                let other = b(frame)
                return other.isEmpty ? rest(frame) : other
            }
        }
    }

    // MARK: - Conditions

    mutating func test(_ condition: Condition) -> Test {
        switch condition {
        case .exists(let expression):
            let value = operation(expression)
            return Test { !value($0).isMissing }
        case .truthy(let expression):
            let value = operation(expression)
            return Test { value($0).isTruthy }
        case .equals(let expression, let constant):
            let value = operation(expression)
            return Test { value($0).equals(constant) }
        case .isIn(let expression, let constants):
            let value = operation(expression)
            let integers = constants.compactMap { if case .integer(let number) = $0 { number } else { nil } }
            return Test { frame in
                let term = value(frame)
                if case .view(let view) = term, view.kind == .integer, integers.count == constants.count,
                    let number = view.int64
                {
                    return integers.contains(number)
                }
                return !term.isMissing && constants.contains { term.equals($0) }
            }
        case .hasPrefix(let expression, let text):
            let value = operation(expression)
            let wanted = Array(text.utf8)
            return Test { frame in value(frame).withText { $0.starts(with: wanted) } ?? false }
        case .hasSuffix(let expression, let text):
            let value = operation(expression)
            let wanted = Array(text.utf8)
            return Test { frame in
                value(frame).withText { $0.count >= wanted.count && $0.suffix(wanted.count).elementsEqual(wanted) }
                    ?? false
            }
        case .contains(let expression, let text):
            let value = operation(expression)
            let wanted = Array(text.utf8)
            return Test { frame in value(frame).contains(wanted) }
        case .isOf(let expression, let kind):
            let value = operation(expression)
            return Test { value($0).kind == kind }
        case .all(let conditions):
            let tests = conditions.map { test($0) }
            return Test { frame in tests.allSatisfy { $0(frame) } }
        case .any(let conditions):
            let tests = conditions.map { test($0) }
            return Test { frame in tests.contains { $0(frame) } }
        case .not(let condition):
            let test = test(condition)
            return Test { !test($0) }
        }
    }
}
