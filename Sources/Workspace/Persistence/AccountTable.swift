import Common

/// A customer.
struct Account: Sendable {
    var id: AccountID
    var name: String
    var createdAt: Timestamp
}

/// The customers.
struct AccountTable {
    let connection: any DatabaseConnection

    func insert(_ account: Account) throws {
        try connection.execute(
            "INSERT INTO account (id, name, created_at) VALUES (\(account.id), \(account.name), \(account.createdAt))")
    }

    func find(name: String) throws -> Account? {
        try connection.first("SELECT id, name, created_at FROM account WHERE name = \(name)", Self.account)
    }

    func find(_ id: AccountID) throws -> Account? {
        try connection.first("SELECT id, name, created_at FROM account WHERE id = \(id)", Self.account)
    }

    func list(after id: String?, limit: Int) throws -> [Account] {
        try connection.query(
            "SELECT id, name, created_at FROM account WHERE id > \(id ?? "") ORDER BY id LIMIT \(limit)", Self.account)
    }

    private static func account(_ row: any DatabaseRow) throws -> Account {
        guard let id = AccountID(row.text(0)) else { throw DatabaseError.corrupt("account has no id \(row.text(0))") }
        return Account(id: id, name: row.text(1), createdAt: Timestamp(milliseconds: row.integer(2)))
    }
}
