import ByteJSON

extension NodeReader {
    /// A whole manifest; nil if a part that it cannot be without is missing.
    mutating func manifest(_ node: SourceNode, shapes: [String: Normalisation.Shape]) -> Manifest? {
        guard var members = members(node, of: "a manifest") else { return nil }
        let name = required(&members, "connector").flatMap { text($0, "`connector`") }
        if let name, let node = members.take("connector"), !Self.isName(name) {
            report("`connector` is a name of lower-case letters, digits and _, not `\(name)`", at: node)
        }
        let version = required(&members, "version").flatMap { integer($0, "`version`") }
        let title = required(&members, "title").flatMap { text($0, "`title`") }
        let summary = required(&members, "summary").flatMap { text($0, "`summary`") }
        let documentation = members.take("documentation").flatMap { text($0, "`documentation`") }
        let limitations = members.take("limitations").map { texts($0, "a limitation") } ?? []
        let spec = members.take("spec").map { specification($0) } ?? Specification()
        let auth = members.take("auth").flatMap { authentication($0) } ?? Authentication.none
        let check = members.take("check").flatMap { request($0, of: "`check`") }
        let discover = members.take("discover").flatMap { discovery($0) }
        let read = members.take("read").map { node in list(node).compactMap { readSource($0) } } ?? []
        let receive = members.take("receive").flatMap { receiver($0) }
        let normalise = required(&members, "normalise").flatMap { normalisation($0, shapes: shapes) }
        finish(members)
        guard let name, let version, let title, let summary, let normalise else { return nil }
        return Manifest(
            name: name, version: version, title: title, summary: summary, documentation: documentation,
            limitations: limitations, spec: spec, auth: auth, check: check, discover: discover, read: read,
            receive: receive, normalise: normalise)
    }

    /// A member that must be there.
    mutating func required(_ members: inout Members, _ name: String) -> SourceNode? {
        if let node = members.take(name) { return node }
        report("\(members.what) needs `\(name)`", at: members.node)
        return nil
    }

    mutating func texts(_ node: SourceNode, _ what: String) -> [String] {
        list(node).compactMap { text($0, what) }
    }

    /// Seconds, or a number with `s`, `m`, `h` or `d` behind it.
    mutating func seconds(_ node: SourceNode, _ what: String) -> Int? {
        if case .scalar(.integer(let value)) = node.value, value >= 0 { return Int(value) }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        if let text = node.text, let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()),
            (0...36_500).contains(count)
        {
            return count * unit
        }
        report("\(what) is a number of seconds, or a duration such as 90s, 15m, 2h or 30d", at: node)
        return nil
    }

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return text.utf8.count <= 64
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }
}
