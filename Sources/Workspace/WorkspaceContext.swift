import ByteJSON
import Common
import Connectors
import HTTPTypes
import Hummingbird
import Logging
import ServiceKit

/// What the routes of this service work with, and the ways in which they change things.
struct WorkspaceContext: Sendable {
    let role: RoleContext
    let settings: WorkspaceSettings
    let outbox: Outbox
    let jobs: JobEngine

    var provider: Provider {
        Provider(transport: role.transport, timeout: settings.checkTimeout, now: role.now)
    }
    var issuer: TokenIssuer { TokenIssuer(database: role.database, vault: role.vault) }

    /// Reads.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any DatabaseConnection) throws -> Value) async throws
        -> Value
    {
        try await role.database.read(body)
    }

    /// Changes things in one transaction and publishes what changed.
    func change<Value: Sendable>(by caller: Caller, _ body: @escaping @Sendable (Change) throws -> Value) async throws
        -> Value
    {
        let now = role.now()
        let value = try await role.database.write { try body(Change(connection: $0, caller: caller, now: now)) }
        await outbox.flush()
        return value
    }
}

/// One transaction that a caller asked for.
struct Change {
    let connection: any DatabaseConnection
    let caller: Caller
    let now: Timestamp

    var records: RecordTable { RecordTable(connection: connection) }

    /// Writes a record and notes it in the journal of its account.
    func save(_ record: DirectoryRecord, account: AccountID, _ action: String, detail: JSON = [:]) throws {
        try records.save(record, account: account)
        try AuditTable(connection: connection).note(
            action, of: record.id, account: account, by: caller.token, at: now, detail: detail)
    }
}

// MARK: - what a caller may see

extension Caller {
    /// The account that bounds what is seen; nil for the operator, who sees all.
    var boundary: AccountID? { scopes.contains(.admin) ? nil : account }
}

extension RecordTable {
    /// A workspace that the caller may see.
    func workspace(_ id: WorkspaceID, for caller: Caller) throws -> WorkspaceRecord {
        guard case .workspace(let record) = try find(id.rawValue, kind: .workspace, account: caller.boundary) else {
            throw Problem.notFound("no workspace \(id) in this account; `GET /v1/workspaces` lists them")
        }
        return record
    }

    /// A connection that the caller may see.
    func connection(_ id: ConnectionID, for caller: Caller) throws -> ConnectionRecord {
        guard case .connection(let record) = try find(id.rawValue, kind: .connection, account: caller.boundary) else {
            throw Problem.notFound("no connection \(id) in this account; `GET /v1/connections` lists them")
        }
        return record
    }

    /// A stream that the caller may see.
    func stream(_ id: StreamID, for caller: Caller) throws -> StreamRecord {
        guard case .stream(let record) = try find(id.rawValue, kind: .stream, account: caller.boundary) else {
            throw Problem.notFound("no stream \(id) in this account; `GET /v1/streams` lists them")
        }
        return record
    }
}

// MARK: - creating calls

/// What a creating call made, as its caller is told.
struct Created: Sendable {
    var answer: JSON
    /// The workspace that the answer tells of; the answer is forgotten with it.
    var workspace: WorkspaceID?
    /// The job that sets it up, if there is one; the answer is forgotten if that fails.
    var job: JobID?
}

extension WorkspaceContext {
    /// Does a creating call once for each `Idempotency-Key`: repeated, it gives the answer that it gave.
    ///
    /// The answer is kept for a day, sealed, because it may hold a secret: whoever has the key, the token and the
    /// very request is the one it was meant for, and may not have got it the first time.
    ///
    /// - Parameter prepare: Checks everything and gives what is to be done in the transaction.
    func creating(
        _ request: Request, by caller: Caller, body: JSONDocument,
        prepare: () async throws -> @Sendable (Change) throws -> Created
    ) async throws -> Response {
        .json(bytes: try await created(request, by: caller, body: body, prepare: prepare), status: .created)
    }

    /// As ``creating(_:by:body:prepare:)``: the answer.
    func created(
        _ request: Request, by caller: Caller, body: JSONDocument,
        prepare: () async throws -> @Sendable (Change) throws -> Created
    ) async throws -> [UInt8] {
        guard let key = try IdempotencyKey(request, body: body.bytes) else {
            let make = try await prepare()
            return try await change(by: caller, make).answer.bytes
        }
        if let answer = try await earlierAnswer(key, caller) { return answer }
        let make = try await prepare()
        let vault = role.vault
        do {
            let created = try await change(by: caller) { change in
                let created = try make(change)
                let sealed = try vault.seal(
                    Secret(String(decoding: created.answer.bytes, as: UTF8.self)),
                    sealedKey: SigningKeys(connection: change.connection, vault: vault).serviceKey())
                try IdempotencyTable(connection: change.connection).insert(
                    .init(fingerprint: key.fingerprint, sealed: sealed), key: key.text, account: caller.account,
                    of: created, at: change.now)
                return created
            }
            return created.answer.bytes
        } catch DatabaseError.constraint(let reason) {
            // Another request with the same key was faster; its answer is the answer.
            guard let answer = try await earlierAnswer(key, caller) else { throw DatabaseError.constraint(reason) }
            return answer
        }
    }

    private func earlierAnswer(_ key: IdempotencyKey, _ caller: Caller) async throws -> [UInt8]? {
        let now = role.now()
        let vault = role.vault
        let found = try await role.database.write { connection -> (String, String)? in
            guard
                let answer = try IdempotencyTable(connection: connection).find(
                    key.text, account: caller.account, at: now)
            else { return nil }
            let sealedKey = try SigningKeys(connection: connection, vault: vault).serviceKey()
            return (answer.fingerprint, try vault.open(answer.sealed, sealedKey: sealedKey).reveal())
        }
        guard let (fingerprint, text) = found else { return nil }
        guard fingerprint == key.fingerprint else {
            throw Problem(
                .unprocessableContent, code: "idempotency_key_reused",
                "this `Idempotency-Key` was used with another request within a day; take a new key for a new request")
        }
        return Array(text.utf8)
    }
}
