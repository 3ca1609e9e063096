public import ByteJSON

extension SignatureScheme {
    /// Reads a scheme as manifests and stream settings write it.
    ///
    /// ```yaml
    /// algorithm: hmac        # or ed25519, token, none
    /// hash: sha256           # or sha1, sha512
    /// encoding: hex          # or base64
    /// secret: text           # or standard: base 64 behind whsec_ or whpk_
    /// header: X-Signature    # a header, Header[key], or body.path
    /// prefix: "sha256="
    /// separator: ""
    /// signed: "{body}"       # {id}, {timestamp}, {method} and {url} as well
    /// id: X-Delivery
    /// timestamp: X-Timestamp
    /// timestamp_unit: seconds  # or milliseconds, rfc3339
    /// tolerance: 300
    /// ```
    ///
    /// Only `header` has no default, and `algorithm: none` needs none.
    ///
    /// - Throws: ``SignatureSchemeError`` naming the member.
    public init(_ json: JSON) throws(SignatureSchemeError) {
        guard let members = json.object else { throw .init(at: "", reason: "must be an object") }
        if let unknown = members.keys.sorted().first(where: { !Self.memberNames.contains($0) }) {
            throw .init(at: unknown, reason: "unknown; the members are \(Self.memberNames.joined(separator: ", "))")
        }
        func text(_ name: String) throws(SignatureSchemeError) -> String? {
            guard let value = members[name], value != .null else { return nil }
            guard let text = value.string else { throw .init(at: name, reason: "must be text") }
            return text
        }
        func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _ fallback: Choice)
            throws(SignatureSchemeError) -> Choice
        {
            guard let text = try text(name) else { return fallback }
            if let choice = Choice(rawValue: text) { return choice }
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .init(at: name, reason: "`\(text)` is none of \(choices)")
        }
        let algorithm = try choice("algorithm", Algorithm.hmac)
        let header = try text("header") ?? ""
        if algorithm != .none, header.isEmpty { throw .init(at: "header", reason: "is missing") }
        let tolerance = members["tolerance"].map(\.integer) ?? 300
        guard let tolerance, (0...86_400).contains(tolerance) else {
            throw .init(at: "tolerance", reason: "must be seconds from 0 to 86400")
        }
        try self.init(
            algorithm: algorithm, hash: choice("hash", .sha256), encoding: choice("encoding", .hex),
            secretForm: choice("secret", .text), header: header, prefix: text("prefix") ?? "",
            separator: text("separator") ?? "", signed: text("signed") ?? "{body}", idHeader: text("id"),
            timestampHeader: text("timestamp"), timestampUnit: choice("timestamp_unit", .seconds),
            tolerance: Int(tolerance))
        for (part, place) in [("{id}", idHeader), ("{timestamp}", timestampHeader)]
        where place == nil && signed.contains(part) {
            throw .init(
                at: "signed", reason: "has \(part), and `\(part.dropFirst().dropLast())` does not say where it is")
        }
    }

    private static let memberNames = [
        "algorithm", "hash", "encoding", "secret", "header", "prefix", "separator", "signed", "id", "timestamp",
        "timestamp_unit", "tolerance",
    ]
}

/// What is wrong with a signature scheme, and in which member.
public struct SignatureSchemeError: Error, Sendable, Hashable, CustomStringConvertible {
    public let at: String
    public let reason: String
    public var description: String { at.isEmpty ? "the signature scheme \(reason)" : "`\(at)`: \(reason)" }
}
