import ByteJSON
import Connectors
import HTTPTypes

/// One delivery as verifier, handshakes and rules see it.
///
/// Used by one task.
final class ReceivedDelivery: Delivery {
    let headers: HTTPFields
    let method: String
    let url: String
    let body: [UInt8]
    private let formField: String?
    private var parsed: Result<JSONDocument, JSONError>?

    /// - Parameter formField: The field of a form that holds the payload as JSON.
    init(headers: HTTPFields, method: String, url: String, body: [UInt8], formField: String?) {
        self.headers = headers
        self.method = method
        self.url = url
        self.body = body
        self.formField = formField
    }

    /// The payload, validated when it is first asked for.
    func document() throws(JSONError) -> JSONDocument {
        if let parsed { return try parsed.get() }
        let result = Result { () throws(JSONError) in
            try Payload.document(body, contentType: headers[.contentType], formField: formField)
        }
        parsed = result
        return try result.get()
    }

    func header(_ name: String) -> String? { headers.value(of: name) }

    func bodyValue(_ path: Path) -> String? {
        guard let document = try? document() else { return nil }
        var value = document.root
        for step in path.steps {
            let next: JSONValue? =
                switch step {
                case .member(let name): value[name]
                case .element(let position): value[position]
                }
            guard let next else { return nil }
            value = next
        }
        switch value.kind {
        case .string: return value.string
        case .integer, .double, .true, .false: return String(decoding: value.raw, as: UTF8.self)
        case .null, .array, .object: return nil
        }
    }

    /// What the conditions of the connector see.
    func scope() throws(JSONError) -> MappingScope {
        let document = try document()
        return MappingScope(
            item: document.root, body: document.root, headers: .lookup { [headers] in headers.value(of: $0) })
    }
}

extension HTTPFields {
    /// The first value of the field with this name, in lower case.
    ///
    /// Walks the few fields instead of making a name.
    func value(of name: String) -> String? {
        for field in self where field.name.canonicalName == name { return field.value }
        return nil
    }
}
