import Common

/// What a transaction knows of the workspaces of its items, and what became of these.
struct WorkspaceAccounts {
    struct Account {
        let id: WorkspaceID
        let record: WorkspaceRecord?
        /// The number that stands for it in tables; nil until it is asked for.
        var number: Int64?
        var ledger = ReportsLedger()
    }

    private let workspaces: [WorkspaceID: WorkspaceRecord]
    private var places: [WorkspaceID: Int] = [:]
    private var accounts: [Account] = []
    /// Items of one workspace come one after the other.
    private var last = 0
    /// Of dead letters whose workspace is not known.
    private var nobody = ReportsLedger()

    init(_ workspaces: [WorkspaceID: WorkspaceRecord]) { self.workspaces = workspaces }

    /// Where the account of a workspace is.
    mutating func place(of id: WorkspaceID) -> Int {
        if last < accounts.count, accounts[last].id == id { return last }
        if let place = places[id] {
            last = place
        } else {
            last = accounts.count
            places[id] = last
            accounts.append(Account(id: id, record: workspaces[id]))
        }
        return last
    }

    subscript(place: Int) -> Account {
        _read { yield accounts[place] }
        _modify { yield &accounts[place] }
    }

    mutating func count(_ outcome: ItemOutcome, of workspace: WorkspaceID?) {
        guard let workspace else { return nobody[outcome] += 1 }
        accounts[place(of: workspace)].ledger[outcome] += 1
    }

    /// What became of the items, by workspace; an empty name is no workspace's.
    var ledgers: [String: ReportsLedger] {
        var ledgers: [String: ReportsLedger] = [:]
        for account in accounts where account.ledger.total > 0 { ledgers[account.id.rawValue] = account.ledger }
        if nobody.total > 0 { ledgers[""] = nobody }
        return ledgers
    }
}
