/// A transactional SQL database of one service.
///
/// What it must do is defined by one conformance suite, `DatabaseConformance`, which every backend passes.
public protocol Database: Sendable {
    var dialect: Dialect { get }

    /// Runs `body` on a lent connection that sees one state of the database and cannot write.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value

    /// Runs `body` in one transaction, which is committed durably when it returns and rolled back when it throws.
    ///
    /// There is one writer at a time, whatever the number of programs: what `body` reads does not change before it
    /// writes. It runs once. A task that is cancelled before the commit gets `CancellationError`, and nothing is written.
    @discardableResult
    func write<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value

    /// Rings when a transaction was committed that called ``DatabaseConnection/notify(_:)`` with this channel: one of this
    /// value's, and where the database is a server, one of any program's. What rings while nobody listens is kept as
    /// one ring. It also rings where something may have been missed, so a ring is a reason to look, and no news.
    ///
    /// It ends when the database is closed.
    func notifications(_ channel: String) -> AsyncStream<Void>

    /// Brings the schema up to date; each migration runs once, in its own transaction, in the order of the numbers.
    ///
    /// - Throws: ``DatabaseError/newerSchema(found:known:)`` if the database is ahead of this program.
    func migrate(_ migrations: [Migration]) async throws

    /// Ends the connections; whatever is called afterwards throws.
    func close() async throws
}

/// A connection that is lent for the time of one transaction. It stays on its thread.
///
/// Statements are prepared once a connection and kept by their text.
public protocol DatabaseConnection {
    var dialect: Dialect { get }

    /// Runs a statement.
    ///
    /// - Returns: How many rows it changed.
    @discardableResult
    func execute(_ sql: SQL) throws -> Int

    /// Hands each row to `body`, which must not keep it.
    func forEach(_ sql: SQL, _ body: (any DatabaseRow) throws -> Void) throws

    /// Writes many rows with one prepared statement.
    func write(_ rows: BulkRows, _ statement: BulkStatement) throws

    /// Rings ``Database/notifications(_:)`` of this channel when the transaction is committed, and never otherwise; many
    /// calls may be one ring.
    func notify(_ channel: String) throws

    /// Hands these columns of each row that has one of the keys to `body`, in any order; `body` runs no statement.
    ///
    /// - Parameter keys: The columns of the key, each key once.
    func forEach(
        _ columns: [String], of key: BulkKey, in keys: BulkRows, _ body: (any DatabaseRow) throws -> Void) throws

    /// Overwrites these columns of the rows that have the keys.
    ///
    /// - Parameter rows: The new values, then the columns of the key.
    /// - Returns: How many rows it changed.
    @discardableResult
    func update(_ columns: [String], of key: BulkKey, to rows: BulkRows) throws -> Int

    /// Deletes the rows that have one of the keys.
    ///
    /// - Returns: How many rows went.
    @discardableResult
    func delete(_ key: BulkKey, in keys: BulkRows) throws -> Int

    /// Has an empty table cut into chunks by time, where the database can do that; elsewhere it stays as it is, with
    /// the same answers.
    func makeHypertable(_ hypertable: Hypertable) throws

    /// Says from which age on the chunks of a hypertable are stored by columns, from now on; nil leaves new ones as they
    /// are. Elsewhere, and on a plain table, nothing happens.
    func setColumnstore(_ columnstore: Hypertable.Columnstore?, of table: String, by timeColumn: String) throws

    /// Removes the chunks of a hypertable that end before a time, with all that is in them; elsewhere nothing happens.
    func dropChunks(of table: String, before time: Int64) throws
}

extension DatabaseConnection {
    public func makeHypertable(_ hypertable: Hypertable) throws {}
    public func setColumnstore(_ columnstore: Hypertable.Columnstore?, of table: String, by timeColumn: String) throws {
    }
    public func dropChunks(of table: String, before time: Int64) throws {}

    /// All rows, each as `transform` makes it.
    public func query<Value>(_ sql: SQL, _ transform: (any DatabaseRow) throws -> Value) throws -> [Value] {
        var values: [Value] = []
        try forEach(sql) { values.append(try transform($0)) }
        return values
    }

    /// The first row, or nil if there is none.
    public func first<Value>(_ sql: SQL, _ transform: (any DatabaseRow) throws -> Value) throws -> Value? {
        var value: Value?
        try forEach(sql) { if value == nil { value = try transform($0) } }
        return value
    }
}

/// A row of a result, read by column position from 0.
///
/// Null reads as 0, empty text or no bytes where the result is not optional; ask ``isNull(_:)`` first.
public protocol DatabaseRow {
    func isNull(_ column: Int) -> Bool
    func integer(_ column: Int) -> Int64
    func real(_ column: Int) -> Double
    func text(_ column: Int) -> String
    func blob(_ column: Int) -> [UInt8]
    /// The bytes of a text or blob, without a copy, valid during the call.
    func withBytes<Value>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value
}

extension DatabaseRow {
    /// A byte string of 16 bytes; zeros if it is anything else.
    public func digest(_ column: Int) -> Digest128 {
        withBytes(column) { Digest128(bytes: $0) } ?? Digest128(high: 0, low: 0)
    }
    public func optionalDigest(_ column: Int) -> Digest128? { isNull(column) ? nil : digest(column) }
    public func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }
    public func optionalInteger(_ column: Int) -> Int64? { isNull(column) ? nil : integer(column) }
    public func optionalReal(_ column: Int) -> Double? { isNull(column) ? nil : real(column) }
}

/// An insert of many rows, and what to do where one is there already.
public struct BulkStatement: Sendable, Hashable {
    public enum Conflict: Sendable, Hashable {
        /// Throw. Where rows are known to be new, this is the fastest: PostgreSQL takes many of them by COPY.
        case fail
        case ignore
        /// Overwrite these columns.
        case replace([String])
        /// Add the new value to these columns (a rollup), and overwrite others.
        case add([String], replacing: [String] = [])
    }

    public let table: String
    public let columns: [String]
    /// The columns of the unique key that a conflict is over.
    public let key: [String]
    public let conflict: Conflict

    public init(into table: String, columns: [String], key: [String] = [], conflict: Conflict = .fail) {
        self.table = table
        self.columns = columns
        self.key = key
        self.conflict = conflict
    }
}

/// Rows for a ``BulkStatement``, column by column; all columns are of one length.
///
/// No row may have the same key as another one of the batch: fold such rows first.
public struct BulkRows: Sendable {
    public enum Column: Sendable {
        case integers([Int64])
        case optionalIntegers([Int64?])
        case reals([Double])
        case optionalReals([Double?])
        case texts([String])
        case optionalTexts([String?])
        case blobs([[UInt8]])
        case digests([Digest128])
        case optionalDigests([Digest128?])

        public var count: Int {
            switch self {
            case .integers(let values): values.count
            case .optionalIntegers(let values): values.count
            case .reals(let values): values.count
            case .optionalReals(let values): values.count
            case .texts(let values): values.count
            case .optionalTexts(let values): values.count
            case .blobs(let values): values.count
            case .digests(let values): values.count
            case .optionalDigests(let values): values.count
            }
        }
    }

    public let columns: [Column]
    public var count: Int { columns.first?.count ?? 0 }

    /// - Precondition: All columns are of one length.
    public init(_ columns: [Column]) {
        precondition(columns.allSatisfy { $0.count == columns[0].count }, "columns of different lengths")
        self.columns = columns
    }
}

/// What can go wrong with a database, by what to do next.
public enum DatabaseError: Error, Sendable, CustomStringConvertible {
    /// Wait and try again.
    case unavailable(String)
    /// Somebody else wrote first: run the transaction again.
    case serializationFailure(String)
    /// A unique key, a check or a foreign key said no.
    case constraint(String)
    case newerSchema(found: Int, known: Int)
    case statement(String, reason: String)
    case corrupt(String)

    public var description: String {
        switch self {
        case .unavailable(let reason): "the database is not available: \(reason)"
        case .serializationFailure(let reason): "the transaction met another one: \(reason)"
        case .constraint(let reason): "a constraint refused the change: \(reason)"
        case .newerSchema(let found, let known):
            "the database has schema \(found), this program knows \(known): install the newer program"
        case .statement(let text, let reason): "\(reason) in: \(text)"
        case .corrupt(let reason): "the database is damaged: \(reason)"
        }
    }
}
