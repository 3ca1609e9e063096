public import Common

/// The tables of this service, for those who check them.
public struct ReportsStore: Sendable {
    private let database: any Database

    public init(database: any Database) { self.database = database }

    /// Brings the tables up to date.
    public func migrate() async throws { try await database.migrate(Schema.migrations) }

    /// What became of the items, in all and by workspace.
    public func ledger() async throws -> ReportsLedgers { try await database.read { try $0.ledgers() } }

    /// Where each partition of the feedback topic is to be read from, by its number.
    public func positions() async throws -> [Int: Int64] {
        try await database.read { try $0.nextOffsets(topic: .feedback) }
    }

    /// What became of the items, and up to where, at one moment: of what was settled in between, one would know, and not
    /// the other.
    public func settled() async throws -> (ledgers: ReportsLedgers, positions: [Int: Int64]) {
        try await database.read { (try $0.ledgers(), try $0.nextOffsets(topic: .feedback)) }
    }

    /// Adds the facts up again and compares: rollups with facts, facts with items, cross-posts with their texts.
    ///
    /// - Returns: What differs; nothing if all is well.
    public func verify() async throws -> [Mismatch] {
        try await database.read { try Verification($0).run() }
    }
}

/// A place where the tables do not agree.
public struct Mismatch: Sendable, Codable, Hashable, CustomStringConvertible {
    public var place: String
    public var expected: String
    public var found: String

    public var description: String { "\(place): \(found), should be \(expected)" }
}
