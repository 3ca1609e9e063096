import ByteJSON
import Common
import Connectors

/// What fills a source's request besides the plan.
struct RequestSurroundings: Sendable {
    /// The connection's settings, secrets included.
    var config: [String: JSON]
    var entity: [String: JSON]
    var auth: Authentication
    /// The item that a nested request is for.
    var item: JSONValue?
    var now: Timestamp
    var limits = HTTPLimits()
}

extension ReadSource {
    /// The request for a page.
    ///
    /// - Throws: ``ReadFailure`` if a template lacks a value, or the provider sends us to another host.
    func request(for plan: PagePlan, _ around: RequestSurroundings) throws(ReadFailure) -> OutgoingRequest {
        var values = TemplateValues(
            config: around.config, entity: around.entity, window: plan.window.map { $0.from..<$0.to },
            item: around.item,
            now: around.now)
        values.cursor["position"] = plan.position?.value
        if case .page(_, let first, _, _) = pagination { values.page = first }
        if case .page(let number) = plan.continuation { values.page = number }

        var built: OutgoingRequest
        do throws(TemplateError) {
            var template = request
            if case .ids(_, _, let url, _) = pagination, case .ids = plan.continuation {
                template.url = url
                template.query = []
            }
            built = try template.build(values, auth: around.auth, limits: around.limits)
        } catch {
            throw around.item == nil ? .permanent("\(error)") : .unaskable("\(error)")
        }

        switch (pagination, plan.continuation) {
        case (_, .address(let address)):
            guard let target = WebAddress(address, relativeTo: built.url) else {
                throw .permanent("the next page's address cannot be read: \(address.prefix(100))")
            }
            guard let origin = WebAddress(built.url), target.origin == origin.origin else {
                throw .permanent("the next page lies at \(target.origin), another host than the one that was asked")
            }
            built.url = target.text
        case (.page(let parameter, let first, _, _), _) where !parameter.isEmpty:
            built.url.appendQuery(parameter, String(values.page ?? first))
        case (.keyset(let parameter, _, _), .key(let key)): built.url.appendQuery(parameter, key)
        case (.token(let parameter, _), .token(let token)): built.url.appendQuery(parameter, token)
        case (.ids(_, let parameter, _, _), .ids(let ids, _)):
            for id in ids { built.url.appendQuery(parameter, id) }
        default: break
        }
        return built
    }
}

/// An absolute address and its origin.
struct WebAddress {
    let text: String
    /// Scheme, host and port, in lower case.
    let origin: String

    init?(_ text: String) {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        let rest = text[scheme.upperBound...]
        let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let name = text[..<scheme.lowerBound].lowercased()
        guard name == "http" || name == "https", !host.isEmpty, !host.contains("@") else { return nil }
        var authority = host.lowercased()
        let standard = name == "http" ? ":80" : ":443"
        if authority.hasSuffix(standard) { authority.removeLast(standard.count) }
        self.text = text
        origin = "\(name)://\(authority)"
    }

    /// An address that may leave out the host it is on.
    init?(_ text: String, relativeTo base: String) {
        if text.hasPrefix("/"), !text.hasPrefix("//"), let base = WebAddress(base) {
            self.init(base.origin + text)
        } else {
            self.init(text)
        }
    }

    /// The address that a `Link` header calls the next one (RFC 8288).
    static func next(inLink header: String) -> String? {
        for part in header.split(separator: "<") {
            let pieces = part.split(separator: ">", maxSplits: 1)
            guard pieces.count == 2 else { continue }
            let parameters = pieces[1].split(separator: ";").map { $0.filter { !" \",".contains($0) }.lowercased() }
            if parameters.contains("rel=next") { return String(pieces[0]) }
        }
        return nil
    }
}

extension String {
    /// Adds a parameter to an address.
    fileprivate mutating func appendQuery(_ name: String, _ value: String) {
        self += utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        self += name.percentEncoded(keepsBrackets: true) + "=" + value.percentEncoded(keepsBrackets: false)
    }

    /// Brackets in a name stay, as providers write them: `post_ids[]`.
    private func percentEncoded(keepsBrackets: Bool) -> String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "[") where keepsBrackets, UInt8(ascii: "]") where keepsBrackets:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.utf8.count == 1 ? "%0" + digits : "%" + digits
            }
        }
    }
}
