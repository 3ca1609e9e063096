import CPQ
import Common

/// Makes connections to one server, all alike.
struct Connector: Sendable {
    let schema: String
    /// What libpq is told, by its own names. Holds the password.
    private let parameters: [String: String]

    /// - Throws: ``DatabaseError/unavailable(_:)`` if the URL is none.
    init(_ settings: PostgresSettings) throws {
        schema = settings.schema
        var parameters = [
            "application_name": settings.schema, "connect_timeout": "\(settings.connectTimeout)",
            // A server that has gone without a word is noticed after about a minute.
            "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
            "tcp_user_timeout": "60000",
            // A standby would refuse what we write.
            "target_session_attrs": "read-write",
        ]
        let given = try Self.parse(settings.url)
        parameters.merge(given) { _, given in given }
        parameters["client_encoding"] = "UTF8"
        let options = [
            "client_min_messages=error", "statement_timeout=\(settings.statementTimeout)s",
            "idle_in_transaction_session_timeout=\(settings.idleTimeout)s",
            // Our statements are short: to compile one takes longer than to run it.
            "jit=off",
        ]
        parameters["options"] = (options.map { "-c \($0)" } + [given["options"] ?? ""]).joined(separator: " ")
        self.parameters = parameters
    }

    /// - Throws: ``DatabaseError/unavailable(_:)``
    func connect() throws -> Session {
        let session = Session(try handle(), schema: schema)
        try session.command(
            """
            \(setPath);
            SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
            """)
        return session
    }

    /// Says whose tables are meant.
    var setPath: String { "SET search_path = \(quoted(schema))" }

    /// A connection as the server makes it.
    ///
    /// - Throws: ``DatabaseError/unavailable(_:)``
    func handle() throws -> ConnectionHandle {
        let words = parameters.sorted { $0.key < $1.key }
        let pointer = withCStrings(words.map(\.key)) { names in
            withCStrings(words.map(\.value)) { values in PQconnectdbParams(names, values, 0) }
        }
        guard let pointer else { throw DatabaseError.unavailable("no memory for a connection to PostgreSQL") }
        let handle = ConnectionHandle(pointer)
        guard PQstatus(pointer) == CONNECTION_OK else {
            throw DatabaseError.unavailable("PostgreSQL: \(PostgresFailure.text(PQerrorMessage(pointer)))")
        }
        PQsetNoticeReceiver(pointer, { _, _ in }, nil)
        return handle
    }

    /// What a URL says, by libpq's names.
    private static func parse(_ url: Secret) throws -> [String: String] {
        // The reason is not repeated: it may hold a part of the password.
        guard let options = PQconninfoParse(url.reveal(), nil) else {
            throw DatabaseError.unavailable(
                "the database's URL cannot be read: postgres://user:password@host:5432/database is one; "
                    + "special characters of the password are written as %40 and the like")
        }
        defer { PQconninfoFree(options) }
        var given: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return given
    }
}

/// Hands a list of C strings, with a null at its end, to `body`.
private func withCStrings<Value>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value) -> Value {
    var arena: [CChar] = []
    var offsets: [Int] = []
    for text in texts {
        offsets.append(arena.count)
        arena += text.utf8CString
    }
    return arena.withUnsafeBufferPointer { arena in
        body(offsets.map { arena.baseAddress.map { base in base }?.advanced(by: $0) } + [nil])
    }
}
