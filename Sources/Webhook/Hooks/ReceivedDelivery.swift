import ByteJSON
import Connectors
import HTTPTypes

/// One delivery as verifier, handshakes and rules see it.
///
/// Used by one task.
final class ReceivedDelivery: Delivery {
    let headers: ReceivedHeaders
    let method: String
    let body: [UInt8]
    private let server: String
    private let target: String
    private let formField: String?
    private var parsed: Result<JSONDocument, JSONError>?

    /// - Parameters:
    ///   - server: Where the server is reached from outside.
    ///   - target: Path and query.
    ///   - formField: The field of a form that holds the payload as JSON.
    init(
        headers: ReceivedHeaders, method: String, server: String, target: String, body: [UInt8], formField: String?
    ) {
        self.headers = headers
        self.method = method
        self.server = server
        self.target = target
        self.body = body
        self.formField = formField
    }

    /// The same delivery with the bytes that came over the wire.
    func with(body: [UInt8]) -> ReceivedDelivery {
        ReceivedDelivery(
            headers: headers, method: method, server: server, target: target, body: body, formField: formField)
    }

    var url: String { server + target }

    /// The payload, validated when it is first asked for.
    func document() throws(JSONError) -> JSONDocument {
        if let parsed { return try parsed.get() }
        let result = Result { () throws(JSONError) in
            try Payload.document(body, contentType: headers["content-type"], formField: formField)
        }
        parsed = result
        return try result.get()
    }

    func header(_ name: String) -> String? { headers[name] }

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
            item: document.root, body: document.root, headers: .lookup { [headers] in headers[$0] })
    }
}

/// The header fields of a request by name, gathered once: a delivery is asked for many of them.
struct ReceivedHeaders: Sendable {
    private let fields: [(name: String, value: String)]

    init(_ fields: HTTPFields) { self.fields = fields.map { ($0.name.canonicalName, $0.value) } }

    /// The first value of the field with this name, which is in lower case.
    subscript(_ name: String) -> String? {
        for field in fields where field.name == name { return field.value }
        return nil
    }
}
