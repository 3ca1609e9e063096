public import ByteJSON
import Foundation
import HTTPTypes
public import Hummingbird

/// A place in a list that is read by keyset: the sort keys of the last item shown, opaque to callers.
public struct PageCursor: Sendable, Hashable {
    public let keys: [JSON]

    public init(_ keys: [JSON]) { self.keys = keys }

    /// Reads what ``text`` wrote.
    ///
    /// - Throws: ``Problem`` 400 if it is something else.
    public init(_ text: String, count: Int) throws {
        guard text.utf8.count <= 1024, let data = Data(base64URL: text.utf8),
            let document = try? JSONDocument(parsing: Array(data)), let keys = JSON(document.root).array,
            keys.count == count
        else {
            throw Problem(
                .badRequest, code: "invalid_parameter",
                "parameter `cursor` is not one of ours; take `next_cursor` of the last page as it is",
                errors: [(at: "cursor", reason: "not a cursor of this list")])
        }
        self.keys = keys
    }

    /// The cursor as callers carry it.
    public var text: String { Data(JSON.array(keys).bytes).base64URL }
}

/// Which part of a list is asked for: parameters `limit` and `cursor`.
public struct Page: Sendable {
    public static let parameters = ["limit", "cursor"]
    public static let maximum = 100

    public let limit: Int
    public let after: PageCursor?

    /// - Parameter keys: How many sort keys the list has.
    public init(_ query: Query, keys: Int, limit: Int = 50, maximum: Int = Page.maximum) throws {
        self.limit = try query.integer("limit", in: 1...maximum) ?? limit
        after = try query["cursor"].map { try PageCursor($0, count: keys) }
    }

    /// Cuts what was read down to the page, and tells where the next one begins.
    ///
    /// - Parameter items: One more than ``limit``, if there are as many.
    public func cut<Item>(_ items: [Item], keys: (Item) -> [JSON]) -> (items: [Item], next: PageCursor?) {
        guard items.count > limit, let last = items.prefix(limit).last else { return (items, nil) }
        return (Array(items.prefix(limit)), PageCursor(keys(last)))
    }

    /// The answer of a list in the order of its ids: the page as the member `name`, and where the next one begins.
    ///
    /// - Parameter items: One more than ``limit``, if there are as many.
    public func response<Item>(
        _ name: String, _ items: [Item], id: (Item) -> String, json: (Item) -> JSON
    ) -> Response {
        let (shown, next) = cut(items) { [.string(id($0))] }
        var members = [name: JSON.array(shown.map(json))]
        members["next_cursor"] = next.map { .string($0.text) }
        return .json(.object(members))
    }
}
