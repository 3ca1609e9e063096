public import Common
public import Hummingbird
public import Logging
public import NIOCore

/// What goes with one HTTP request.
public struct APIContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// Goes into the log and the response; the sender's own where it sent a reasonable one.
    public internal(set) var requestID: String
    /// Who asks; nil before authentication and on open routes.
    public var caller: Caller?
    /// Why the request's token was not accepted, if it carried one.
    public var refusal: AuthenticationFailure?
    /// The connection, for closing it on a sender that never finishes.
    public let channel: (any Channel)?

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        // Not every log handler keeps metadata, so the logger is not relied on.
        requestID = source.logger[metadataKey: Self.requestIDKey]?.description ?? RequestID().description
    }

    /// Names the request anew, in the log as well.
    mutating func rename(_ id: String) {
        requestID = id
        logger[metadataKey: Self.requestIDKey] = .string(id)
    }

    /// The metadata key that Hummingbird keeps the id under.
    private static let requestIDKey = "hb.request.id"

    /// Who asks.
    ///
    /// - Throws: ``Problem`` 401 if nobody proved to be anybody, 403 if the token does not allow this.
    public func requireCaller(_ scope: Scope) throws -> Caller { try requireCaller(anyOf: [scope]) }

    /// Who asks, whose token must have one of these scopes.
    public func requireCaller(anyOf scopes: [Scope]) throws -> Caller {
        guard let caller else {
            throw Problem.unauthorized(refusal?.description ?? "send `Authorization: Bearer <token>`")
        }
        guard caller.scopes.contains(.admin) || !caller.scopes.isDisjoint(with: scopes) else {
            let names = scopes.map { "`\($0.rawValue)`" }.joined(separator: " or ")
            throw Problem.forbidden("this token lacks the scope \(names); make one that has it with `POST /v1/tokens`")
        }
        return caller
    }
}

/// Who asks: an account by one of its tokens.
public struct Caller: Sendable, Hashable {
    public let account: AccountID
    public let token: TokenID
    public let scopes: Set<Scope>

    public init(account: AccountID, token: TokenID, scopes: Set<Scope>) {
        self.account = account
        self.token = token
        self.scopes = scopes
    }
}

/// What a token allows.
public enum Scope: String, Sendable, Codable, CaseIterable {
    /// Everything, in every account: the operator.
    case admin
    /// Workspaces, connections, streams, tokens of the account.
    case manage
    /// Feedback and insights of the account's workspaces.
    case read
    /// Imports and pushes into the account's streams.
    case write
}
