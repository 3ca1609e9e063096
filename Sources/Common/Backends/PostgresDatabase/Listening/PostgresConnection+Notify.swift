import Common

extension PostgresConnection {
    /// What a channel is called on the server, where all services and their tests share one database: a name of 40
    /// characters made of the schema's and the channel's.
    static let channelName = "'earshot_' || md5(current_setting('search_path') || ' ' || ?)"

    func notify(_ channel: String) throws {
        try forEach(SQL(raw: "SELECT pg_notify(\(Self.channelName), '')", bindings: [.text(channel)])) { _ in }
    }
}
