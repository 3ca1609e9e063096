/// How a provider is told where to send: the requests that find, make and delete its webhooks.
///
/// Their templates see `hook.url`, `hook.secret`, `hook.name`, `hook.stream` and, where one is deleted, `hook.id`.
public struct Subscription: Sendable {
    /// Hooks that are there, to find our own among them.
    public struct Listing: Sendable {
        public var request: RequestTemplate
        /// Path of the array of hooks in the answer.
        public var items: String
        /// The hook's id and where it sends, over one of them.
        public var id: Expression
        public var url: Expression

        public init(request: RequestTemplate, items: String, id: Expression, url: Expression) {
            self.request = request
            self.items = items
            self.id = id
            self.url = url
        }
    }

    /// What must be set for it, over `config.` (secrets too) and `entity.`; without it a person makes the hook.
    public var when: Condition?
    /// What the credentials must allow, for people.
    public var permission: String
    /// nil where making a hook that is there changes nothing.
    public var list: Listing?
    public var create: RequestTemplate
    /// The new hook's id, over the answer; `stream.id` is ours.
    public var id: Expression
    public var delete: RequestTemplate

    public init(
        when: Condition? = nil, permission: String, list: Listing? = nil, create: RequestTemplate, id: Expression,
        delete: RequestTemplate
    ) {
        self.when = when
        self.permission = permission
        self.list = list
        self.create = create
        self.id = id
        self.delete = delete
    }
}
