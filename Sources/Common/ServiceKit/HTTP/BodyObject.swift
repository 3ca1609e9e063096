public import ByteJSON
public import Common

/// Reads a JSON object member by member and collects everything that is wrong with it, so that a caller hears all of
/// it at once.
///
/// What was not read when ``finish()`` is called is unknown, and refused. Objects inside share the list of errors.
public final class BodyObject {
    /// What is wrong so far.
    public final class Errors {
        public fileprivate(set) var list: [(at: String, reason: String)] = []
        public init() {}

        /// Notes that something is wrong at a JSON pointer.
        public func add(at pointer: String, _ reason: String) { list.append((at: pointer, reason: reason)) }
    }

    /// JSON pointer of the object; empty is the whole body.
    public let pointer: String
    public let errors: Errors
    private let members: [String: JSON]
    private var known: [String] = []
    private var children: [BodyObject] = []

    public init(_ members: [String: JSON], pointer: String = "", errors: Errors = Errors()) {
        self.members = members
        self.pointer = pointer
        self.errors = errors
    }

    /// Reads a whole body.
    ///
    /// - Throws: ``Problem`` 400 if it is no object.
    public convenience init(_ document: JSONDocument) throws {
        guard let members = JSON(document.root).object else {
            throw Problem.badRequest("the body must be a JSON object, not \(document.root.kind)")
        }
        self.init(members)
    }

    /// Notes that something is wrong with a member (or deeper: `config/base_url`), or with the object itself.
    public func refuse(_ name: String?, _ reason: String) {
        errors.add(at: pointer + (name.map { "/" + $0 } ?? ""), reason)
    }

    /// Whether the member is there, null included.
    public func has(_ name: String) -> Bool { members[name] != nil }

    /// Any value; nil if it is absent or null.
    public func value(_ name: String, required: Bool = false) -> JSON? {
        known.append(name)
        guard let value = members[name], value != .null else {
            if required { refuse(name, "is required") }
            return nil
        }
        return value
    }

    /// A text of so many characters.
    public func string(_ name: String, length: ClosedRange<Int> = 1...200, required: Bool = false) -> String? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.string else { return refused(name, "must be a text") }
        guard length.contains(text.count) else {
            return refused(
                name, "must be \(length.lowerBound) to \(length.upperBound) characters long, not \(text.count)")
        }
        return text
    }

    /// One of the words of an enumeration.
    public func choice<Value: RawRepresentable<String>>(_ name: String, of choices: [Value], required: Bool = false)
        -> Value?
    {
        guard let value = value(name, required: required) else { return nil }
        let words = choices.map(\.rawValue)
        guard let text = value.string, words.contains(text), let choice = Value(rawValue: text) else {
            return refused(name, "must be one of \(words.joined(separator: ", "))")
        }
        return choice
    }

    /// A whole number within bounds.
    public func integer(_ name: String, in range: ClosedRange<Int>, required: Bool = false) -> Int? {
        guard let value = value(name, required: required) else { return nil }
        guard let number = value.integer.flatMap({ Int(exactly: $0) }), range.contains(number) else {
            return refused(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A date or an instant.
    public func timestamp(_ name: String, required: Bool = false) -> Timestamp? {
        guard let value = value(name, required: required) else { return nil }
        guard let instant = value.string.flatMap({ Timestamp($0) }) else {
            return refused(name, "must be a date (2021-02-20) or an instant (2021-02-20T10:00:00Z)")
        }
        return instant
    }

    /// A typed identifier.
    public func identifier<Kind>(_ name: String, of kind: Kind.Type, required: Bool = false) -> Identifier<Kind>? {
        guard let value = value(name, required: required) else { return nil }
        guard let id = value.string.flatMap({ Identifier<Kind>($0) }) else {
            return refused(name, "must look like \(Kind.prefix)…")
        }
        return id
    }

    /// Texts.
    public func strings(_ name: String, count: ClosedRange<Int>, required: Bool = false) -> [String]? {
        guard let list = array(name, count: count, required: required) else { return nil }
        var texts: [String] = []
        for (i, value) in list.enumerated() {
            if let text = value.string {
                texts.append(text)
            } else {
                refuse("\(name)/\(i)", "must be a text")
            }
        }
        return texts
    }

    /// An object inside, to be read like this one.
    public func object(_ name: String, required: Bool = false) -> BodyObject? {
        guard let value = value(name, required: required) else { return nil }
        guard let members = value.object else { return refused(name, "must be an object") }
        return child(members, at: name)
    }

    /// Objects in an array, to be read like this one.
    public func objects(_ name: String, count: ClosedRange<Int>, required: Bool = false) -> [BodyObject]? {
        guard let list = array(name, count: count, required: required) else { return nil }
        return list.enumerated().compactMap { i, value in
            guard let members = value.object else { return refused("\(name)/\(i)", "must be an object") }
            return child(members, at: "\(name)/\(i)")
        }
    }

    /// - Throws: ``Problem`` 422 with everything that is wrong, unknown members included.
    public func finish() throws {
        refuseUnknown()
        guard errors.list.isEmpty else {
            throw Problem.unprocessable(
                errors.list.count == 1
                    ? "\(errors.list[0].at) \(errors.list[0].reason)"
                    : "\(errors.list.count) things are wrong; see errors",
                errors: errors.list)
        }
    }

    /// Notes the members that nobody read, here and inside.
    public func refuseUnknown() {
        for name in members.keys.sorted() where !known.contains(name) {
            refuse(name.escapedForPointer, "no such member; \(Suggestion.hint(for: name, among: known))")
        }
        for child in children { child.refuseUnknown() }
    }

    private func array(_ name: String, count: ClosedRange<Int>, required: Bool) -> [JSON]? {
        guard let value = value(name, required: required) else { return nil }
        guard let list = value.array else { return refused(name, "must be an array") }
        guard count.contains(list.count) else {
            return refused(name, "must have \(count.lowerBound) to \(count.upperBound) elements, not \(list.count)")
        }
        return list
    }

    private func child(_ members: [String: JSON], at name: String) -> BodyObject {
        let child = BodyObject(members, pointer: "\(pointer)/\(name)", errors: errors)
        children.append(child)
        return child
    }

    private func refused<Value>(_ name: String, _ reason: String) -> Value? {
        refuse(name, reason)
        return nil
    }
}

extension String {
    /// As a token of a JSON pointer (RFC 6901).
    fileprivate var escapedForPointer: String { replacing("~", with: "~0").replacing("/", with: "~1") }
}
