import ByteJSON
import Common
import Hummingbird
import ServiceKit

extension Response {
    /// A page of a list: its items under `name`, and where the next page begins.
    static func page<Item>(_ name: String, _ items: [Item], of page: Page, key: (Item) -> String, view: (Item) -> JSON)
        -> Response
    {
        let (shown, next) = page.cut(items) { [.string(key($0))] }
        return .json([name: .array(shown.map(view)), "next_cursor": next.map { .string($0.text) } ?? .null])
    }
}

extension Page {
    /// A page of a list that is sorted by one id.
    init(byID query: Query) throws { try self.init(query, keys: 1) }

    /// The id after which the page begins.
    var afterID: String? { after?.keys.first?.string }
}

extension Query {
    /// The account whose things are asked for: the caller's own, or any that an operator names.
    func account(for caller: Caller) throws -> AccountID {
        guard let other = try identifier("account_id", of: AccountKind.self), other != caller.account else {
            return caller.account
        }
        guard caller.scopes.contains(.admin) else { throw Problem.notFound("no account \(other) here") }
        return other
    }
}
