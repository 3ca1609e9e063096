import ByteJSON

extension NodeReader {
    /// `subscribe`: how the provider's webhooks are found, made and deleted.
    mutating func subscription(_ node: SourceNode) -> Subscription? {
        guard var members = members(node, of: "`subscribe`") else { return nil }
        let when = members.take("when").flatMap { condition($0) }
        let permission = required(&members, "permission").flatMap { text($0, "`permission`") }
        let list = members.take("list").flatMap { hookListing($0) }
        let create = required(&members, "create").flatMap {
            request($0, of: "`create`", methods: ["POST", "PUT", "PATCH"])
        }
        let id = required(&members, "id").flatMap { expression($0) }
        let delete = required(&members, "delete").flatMap {
            request($0, of: "`delete`", methods: ["DELETE", "POST", "PUT", "PATCH"])
        }
        finish(members)
        guard let permission, let create, let id, let delete else { return nil }
        return Subscription(when: when, permission: permission, list: list, create: create, id: id, delete: delete)
    }

    private mutating func hookListing(_ node: SourceNode) -> Subscription.Listing? {
        guard var members = members(node, of: "a list of hooks") else { return nil }
        let request = required(&members, "request").flatMap { self.request($0, of: "the request") }
        let items = members.take("items").flatMap { text($0, "`items`") } ?? ""
        let id = required(&members, "id").flatMap { expression($0) }
        let url = required(&members, "url").flatMap { expression($0) }
        finish(members)
        guard let request, let id, let url else { return nil }
        return Subscription.Listing(request: request, items: items, id: id, url: url)
    }
}
