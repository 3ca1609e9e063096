import ByteJSON

extension NodeReader {
    /// One element of `read`, or of a source's `nested`.
    mutating func readSource(_ node: SourceNode) -> ReadSource? {
        guard var members = members(node, of: "a source") else { return nil }
        let name = required(&members, "name").flatMap { text($0, "`name`") }
        let request = required(&members, "request").flatMap { self.request($0, of: "the request") }
        let items = members.take("items").flatMap { text($0, "`items`") } ?? ""
        let id = required(&members, "id").flatMap { expression($0) }
        let when = members.take("when").flatMap { condition($0) }
        let instance = members.take("instance").flatMap { expression($0) }
        let position = members.take("position").flatMap { expression($0) }
        let skip = members.take("skip").flatMap { condition($0) }
        let context = members.take("context").map { namedExpressions($0, of: "`context`") } ?? []
        let pages = members.take("pagination").flatMap { pagination($0) } ?? Pagination.none
        let cursor = members.take("cursor").map { cursorRule($0) } ?? CursorRule()
        let rate = members.take("rate").map { rateSignals($0) } ?? RateSignals()
        let errors = members.take("errors").map { node in list(node).compactMap { errorRule($0) } } ?? []
        let nested = members.take("nested").map { node in list(node).compactMap { readSource($0) } } ?? []
        finish(members)
        if cursor.kind == .ascending, position == nil, id != nil {
            report("an ascending cursor needs `position`", at: node)
        }
        guard let name, let request, let id else { return nil }
        return ReadSource(
            name: name, request: request, items: items, id: id, instance: instance, position: position, skip: skip,
            context: context, pagination: pages, cursor: cursor, rate: rate, errors: errors, nested: nested, when: when)
    }

    /// `none`, `link`, or a map with one of `page`, `keyset`, `token`, `next`, `ids`.
    private mutating func pagination(_ node: SourceNode) -> Pagination? {
        switch node.text {
        case "none": return Pagination.none
        case "link": return .link
        case let text?:
            report("`\(text)` is no pagination; there are none, link, page, keyset, token, next, ids", at: node)
            return nil
        case nil: break
        }
        guard var members = members(node, of: "`pagination`") else { return nil }
        defer { finish(members) }
        if let page = members.take("page") { return pageNumbers(page) }
        if let keyset = members.take("keyset") { return self.keyset(keyset) }
        if let token = members.take("token") { return self.token(token) }
        if let next = members.take("next") { return text(next, "`next`").map { .next(path: $0) } }
        if let ids = members.take("ids") { return self.ids(ids) }
        report("`pagination` needs one of page, keyset, token, next, ids", at: node)
        return nil
    }

    private mutating func pageNumbers(_ node: SourceNode) -> Pagination? {
        guard var members = members(node, of: "`page`") else { return nil }
        let parameter = members.take("parameter").flatMap { text($0, "`parameter`") } ?? ""
        let first = members.take("first").flatMap { integer($0, "`first`") } ?? 1
        let last = members.take("last").flatMap { integer($0, "`last`") }
        let more = members.take("more").flatMap { text($0, "`more`") }
        finish(members)
        return .page(parameter: parameter, first: first, last: last, moreAt: more)
    }

    private mutating func keyset(_ node: SourceNode) -> Pagination? {
        guard var members = members(node, of: "`keyset`") else { return nil }
        let parameter = required(&members, "parameter").flatMap { text($0, "`parameter`") }
        let value = required(&members, "value").flatMap { expression($0) }
        let lowest = members.take("lowest").flatMap { boolean($0, "`lowest`") } ?? true
        finish(members)
        guard let parameter, let value else { return nil }
        return .keyset(parameter: parameter, value: value, lowest: lowest)
    }

    private mutating func token(_ node: SourceNode) -> Pagination? {
        guard var members = members(node, of: "`token`") else { return nil }
        let parameter = required(&members, "parameter").flatMap { text($0, "`parameter`") }
        let path = required(&members, "path").flatMap { text($0, "`path`") }
        finish(members)
        guard let parameter, let path else { return nil }
        return .token(parameter: parameter, path: path)
    }

    private mutating func ids(_ node: SourceNode) -> Pagination? {
        guard var members = members(node, of: "`ids`") else { return nil }
        let at = required(&members, "at").flatMap { text($0, "`at`") }
        let parameter = required(&members, "parameter").flatMap { text($0, "`parameter`") }
        let url = required(&members, "url").flatMap { template($0) }
        let batch = members.take("batch").flatMap { integer($0, "`batch`") } ?? 20
        finish(members)
        guard let at, let parameter, let url else { return nil }
        return .ids(at: at, parameter: parameter, url: url, batch: max(1, batch))
    }

    private mutating func cursorRule(_ node: SourceNode) -> CursorRule {
        guard var members = members(node, of: "`cursor`") else { return CursorRule() }
        var rule = CursorRule()
        if let kind = required(&members, "kind").flatMap({ word($0, "the cursor", as: CursorRule.Kind.self) }) {
            rule.kind = kind
        }
        if let overlap = members.take("overlap").flatMap({ seconds($0, "`overlap`") }) { rule.overlap = overlap }
        if let window = members.take("window").flatMap({ seconds($0, "`window`") }) { rule.window = max(1, window) }
        if let remember = members.take("remember").flatMap({ integer($0, "`remember`") }) { rule.remember = remember }
        finish(members)
        return rule
    }

    private mutating func rateSignals(_ node: SourceNode) -> RateSignals {
        guard var members = members(node, of: "`rate`") else { return RateSignals() }
        var rate = RateSignals()
        rate.remaining = members.take("remaining").flatMap { text($0, "`remaining`") }
        rate.reset = members.take("reset").flatMap { text($0, "`reset`") }
        rate.wait = members.take("wait").map { texts($0, "`wait`") } ?? []
        rate.perMinute = members.take("per_minute").flatMap { integer($0, "`per_minute`") }
        finish(members)
        return rate
    }

    private mutating func errorRule(_ node: SourceNode) -> ErrorRule? {
        guard var members = members(node, of: "an error rule") else { return nil }
        let status = members.take("status").map { node in list(node).compactMap { integer($0, "`status`") } } ?? []
        let when = members.take("when").flatMap { condition($0) }
        let action = required(&members, "action").flatMap { word($0, "the action", as: ErrorRule.Action.self) }
        let wait = members.take("wait").flatMap { seconds($0, "`wait`") }
        let message = members.take("message").flatMap { text($0, "`message`") }
        finish(members)
        if status.isEmpty, when == nil { report("an error rule needs `status` or `when`", at: node) }
        return action.map { ErrorRule(status: status, when: when, action: $0, wait: wait, message: message) }
    }
}
