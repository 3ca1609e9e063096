import ByteJSON
public import Common

extension RequestTemplate {
    /// The request with its holes filled.
    ///
    /// A header or a query parameter with a missing value is left out. In the address what a hole gives is
    /// percent-encoded, except a solidus and a hole at its very beginning (the provider's own address).
    ///
    /// - Throws: ``TemplateError`` if the address lacks a value or a template has no value for what it was given.
    public func build(
        _ values: TemplateValues, auth: Authentication = .none, limits: HTTPLimits = HTTPLimits()
    ) throws(TemplateError) -> OutgoingRequest {
        let filled = try url.fill(values) { value, isFirst in
            isFirst ? value : PercentEncoding.segments(value)
        }
        guard var address = filled else {
            throw TemplateError(template: url.source, reason: "the address needs a value that is missing")
        }
        guard !address.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
            throw TemplateError(template: url.source, reason: "the address holds a blank or a control character")
        }
        for (name, value) in query {
            guard let value = try value.fill(values) else { continue }
            address += address.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
            address += PercentEncoding.component(name) + "=" + PercentEncoding.component(value)
        }
        var request = OutgoingRequest(method, address, limits: limits)
        for (name, value) in headers {
            if let value = try value.fill(values) { request.headers.append((name, try Self.line(value, of: name))) }
        }
        for (name, value) in try auth.headers(values) {
            request.headers.append((name, try Self.line(value, of: name)))
        }
        if let body, let text = try body.fill(values) { request.body = Array(text.utf8) }
        return request
    }

    /// A header's value must stay one line, or it could add headers of its own.
    private static func line(_ value: String, of name: String) throws(TemplateError) -> String {
        guard !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
            throw TemplateError(template: name, reason: "the header's value holds a control character")
        }
        return value
    }
}

extension Authentication {
    /// The headers that prove who asks; those without a value are left out.
    func headers(_ values: TemplateValues) throws(TemplateError) -> [(name: String, value: String)] {
        switch self {
        case .none: return []
        case .headers(let templates):
            var headers: [(name: String, value: String)] = []
            for (name, template) in templates {
                if let value = try template.fill(values) { headers.append((name, value)) }
            }
            return headers
        case .basic(let user, let password):
            guard let user = try user.fill(values) else { return [] }
            let pair = user + ":" + (try password.fill(values) ?? "")
            return [("Authorization", "Basic " + Base64.encode(Array(pair.utf8)))]
        case .bearer(let token):
            guard let token = try token.fill(values) else { return [] }
            return [("Authorization", "Bearer " + token)]
        }
    }
}
