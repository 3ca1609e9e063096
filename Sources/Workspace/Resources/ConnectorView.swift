import ByteJSON
import Connectors

// How connectors look from outside: what a person needs to fill in a form, none of the machinery.

extension Manifest {
    var summaryView: JSON {
        [
            "connector": .string(name), "version": .integer(Int64(version)), "title": .string(title),
            "summary": .string(summary),
            "ways": .array(ways.map(JSON.string)),
        ]
    }

    var view: JSON {
        guard case .object(var members) = summaryView else { return summaryView }
        members["documentation"] = documentation.map(JSON.string)
        members["limitations"] = .array(limitations.map(JSON.string))
        members["config"] = .array(spec.connection.map(\.view))
        members["entity"] = .array(spec.stream.map(\.view))
        members["can_check"] = .bool(check != nil)
        members["can_discover"] = .bool(discover != nil)
        return .object(members)
    }

    /// How feedback gets here: `pull`, `push`; `import` is always possible.
    private var ways: [String] {
        (read.isEmpty ? [] : ["pull"]) + (receive == nil ? [] : ["push"]) + ["import"]
    }
}

extension Specification.Field {
    fileprivate var view: JSON {
        var members: [String: JSON] = [
            "name": .string(name), "type": .string(type.rawValue), "title": .string(title),
            "required": .bool(required), "secret": .bool(secret),
        ]
        members["help"] = help.map(JSON.string)
        members["default"] = `default`
        members["example"] = example
        members["link"] = link.map(JSON.string)
        if !choices.isEmpty { members["choices"] = .array(choices.map(JSON.string)) }
        return .object(members)
    }
}
