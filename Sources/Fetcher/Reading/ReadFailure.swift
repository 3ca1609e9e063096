import Common

/// Why a stream could not be read, by what to do next.
enum ReadFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// It may well work a little later.
    case transient(String)
    /// Somebody must change something first.
    case permanent(String)
    /// An item lacks what the request for the rest of it needs: nothing but the item is at fault.
    case unaskable(String)
    /// The quota is used up until this time.
    case quota(until: Timestamp)
    /// The connection failed too often and is left alone until this time.
    case broken(until: Timestamp, reason: String)
    /// Another fetcher has the stream.
    case lost

    var description: String {
        switch self {
        case .transient(let reason), .permanent(let reason), .unaskable(let reason): reason
        case .quota(let until): "the provider's quota is used up until \(until)"
        case .broken(let until, let reason): "left alone until \(until) after failing too often: \(reason)"
        case .lost: "another fetcher reads this stream"
        }
    }
}
