import ByteJSON

extension NodeReader {
    /// A request: `method`, `url`, `query`, `headers`, `body`.
    ///
    /// - Parameter methods: Those that it may have; the first is what it has if it says nothing.
    mutating func request(
        _ node: SourceNode, of what: String, methods: [String] = ["GET", "POST"]
    ) -> RequestTemplate? {
        guard var members = members(node, of: what) else { return nil }
        let method = members.take("method").flatMap { text($0, "`method`") }
        if let method, !methods.contains(method), let node = members.take("method") {
            report("`method` is \(methods.joined(separator: " or "))", at: node)
        }
        let url = required(&members, "url").flatMap { template($0) }
        let query = members.take("query").map { templates($0, of: "`query`") } ?? []
        let headers = members.take("headers").map { templates($0, of: "`headers`") } ?? []
        let body = members.take("body").flatMap { template($0) }
        finish(members)
        return url.map {
            RequestTemplate(method: method ?? methods[0], url: $0, query: query, headers: headers, body: body)
        }
    }

    /// A text with holes.
    mutating func template(_ node: SourceNode) -> Template? {
        guard let source = text(node, "a template") else { return nil }
        let template = Template(source)
        if let problem = template.problem { report(problem, at: node) }
        for path in template.holes {
            guard case .member(let first) = path.steps.first, TemplateValues.names.contains(first) else {
                report(
                    "a hole begins with \(TemplateValues.names.sorted().joined(separator: ", ")), not `\(path)`",
                    at: node)
                continue
            }
        }
        noteHoles(template.holes, at: node)
        return template
    }

    /// Names with templates. A list of templates is a name that occurs more than once.
    mutating func templates(_ node: SourceNode, of what: String) -> [(name: String, value: Template)] {
        guard let members = members(node, of: what) else { return [] }
        var result: [(name: String, value: Template)] = []
        for entry in members.entries {
            for value in list(entry.node) {
                if let template = template(value) { result.append((entry.key, template)) }
            }
        }
        return result
    }

    /// `auth`: one of `headers`, `basic`, `bearer`.
    mutating func authentication(_ node: SourceNode) -> Authentication? {
        guard var members = members(node, of: "`auth`") else { return nil }
        defer { finish(members) }
        if let headers = members.take("headers") { return .headers(templates(headers, of: "`headers`")) }
        if let token = members.take("bearer") { return template(token).map { .bearer(token: $0) } }
        if let basic = members.take("basic") {
            guard var parts = self.members(basic, of: "`basic`") else { return nil }
            let user = required(&parts, "user").flatMap { template($0) }
            let password = required(&parts, "password").flatMap { template($0) }
            finish(parts)
            guard let user, let password else { return nil }
            return .basic(user: user, password: password)
        }
        report("`auth` needs one of headers, bearer, basic", at: node)
        return nil
    }

    /// `discover`: a request, where the entities are in the response, and how one becomes the stream's fields.
    mutating func discovery(_ node: SourceNode) -> Discovery? {
        guard var members = members(node, of: "`discover`") else { return nil }
        let request = required(&members, "request").flatMap { self.request($0, of: "the request") }
        let items = members.take("items").flatMap { text($0, "`items`") } ?? ""
        let entity = required(&members, "entity").map { namedExpressions($0, of: "`entity`") } ?? []
        let title = required(&members, "title").flatMap { expression($0) }
        finish(members)
        guard let request, let title else { return nil }
        return Discovery(request: request, items: items, entity: entity, title: title)
    }
}
