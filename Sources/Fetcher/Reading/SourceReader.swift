import ByteJSON
import Common
import Connectors

/// Reads one source of a stream, page after page: a value that decides, and does nothing.
///
/// The caller asks for ``plan``, fetches it, takes ``unread(in:)``, makes it durable, marks each item with
/// ``mark(_:)``, turns the page with ``turn(after:unread:)``, and stores ``cursor``. If it stops anywhere in between
/// and begins again from the stored cursor, nothing is missed.
struct SourceReader: Sendable {
    let source: ReadSource
    let scope: ReadScope
    private(set) var cursor: SourceCursor
    /// Facts from the first page of the pass; later pages may lack them.
    private(set) var context: [String: JSON] = [:]
    /// What this pass has met: a page that adds nothing to it ends the pass.
    private var met: Set<String> = []
    private var emptyPages = 0

    /// How often a group of ties is read again before it is left to the next pass.
    private static let repeatLimit = 10
    private static let emptyPageLimit = 20
    /// The shortest window that is still split.
    private static let smallestWindow = 2 * 86_400

    init(_ source: ReadSource, scope: ReadScope, cursor: SourceCursor) {
        self.source = source
        self.scope = scope
        self.cursor = cursor
    }

    // MARK: - The pass

    /// Begins a pass, or goes on with the one under way.
    mutating func begin(at now: Timestamp) {
        guard cursor.pass == nil else { return }
        var pass = Pass(begunAt: now)
        switch source.cursor.kind {
        case .ascending: pass.base = cursor.position ?? .instant(scope.from)
        case .windows: pass.windows = windows(upTo: now)
        case .descending, .full: break
        }
        cursor.pass = pass
        if source.cursor.kind == .windows, pass.windows.isEmpty { complete() }
    }

    /// What to ask for next; nil once the pass came to its end.
    var plan: PagePlan? {
        guard let pass = cursor.pass else { return nil }
        var plan = PagePlan(continuation: pass.next)
        switch source.cursor.kind {
        case .ascending: plan.position = pass.base?.moved(back: overlap)
        case .descending, .full: plan.position = cursor.position?.moved(back: overlap)
        case .windows: plan.window = pass.windows.first
        }
        return plan
    }

    /// The items of a page that are to be taken, in its order.
    func unread(in page: Page) -> [PageItem] {
        var ids: Set<String> = []
        return page.items.filter { item in
            guard !item.isSkipped, scope.admits(item.position), ids.insert(item.id).inserted else { return false }
            return !cursor.seen.contains(item.id, digest: item.digest) && !scope.knows(item)
        }
    }

    /// Remembers that an item is durable.
    mutating func mark(_ item: PageItem) {
        cursor.seen.insert(item.id, digest: item.digest, position: item.position)
    }

    /// Where a nested source is, for the items of this one.
    func nestedCursor(_ name: String) -> SourceCursor { cursor.nested[name] ?? SourceCursor() }
    mutating func setNestedCursor(_ nested: SourceCursor, of name: String) { cursor.nested[name] = nested }

    /// Goes on behind a page whose unread items are all marked.
    ///
    /// - Parameter unread: How many there were.
    mutating func turn(after page: Page, unread: Int) {
        guard var pass = cursor.pass else { return }
        let isNew = page.items.reduce(into: false) { isNew, item in
            if met.insert(item.id + "@" + String(item.digest, radix: 16)).inserted { isNew = true }
        }
        emptyPages = page.items.isEmpty ? emptyPages + 1 : 0
        pass.pages += 1
        if let reach = page.items.compactMap(\.position).max() { pass.highest = max(pass.highest ?? reach, reach) }
        if context.isEmpty { context = page.context }
        let (next, isCut) = following(page, in: pass, isNew: isNew)
        cursor.pass = pass

        switch source.cursor.kind {
        case .ascending: turnAscending(page, next, unread: unread)
        case .descending: turnDescending(page, next)
        case .windows: turnWindow(next, isCut: isCut)
        case .full: goOn(next)
        }
    }

    /// Ends the pass: the provider says there is nothing more, or nothing new.
    mutating func finish() {
        switch source.cursor.kind {
        case .windows: turnWindow(nil, isCut: false)
        default: complete()
        }
    }

    /// Remembers what the provider calls the state of its first page, if that page was all.
    mutating func note(tag: EntityTag?, pages: Int) {
        cursor.tag = pages == 1 ? tag : nil
    }

    // MARK: - Kinds of cursors

    /// Asks again from the highest position instead of following pages, whose edges shift when an item is edited.
    ///
    /// Only where many items share one position are the pages followed, and then again until nothing new is on them.
    private mutating func turnAscending(_ page: Page, _ next: Continuation?, unread: Int) {
        guard var pass = cursor.pass else { return }
        pass.foundInChain = pass.foundInChain || unread > 0
        let isTorn = pass.isChained && pass.foundInChain
        let positions = page.items.compactMap(\.position)
        let isBeyond = scope.to.map { end in
            !positions.isEmpty && positions.allSatisfy { $0.time.map { $0 >= end } ?? false }
        }

        let isEnd = next == nil || isBeyond == true
        let target = positions.last.flatMap {
            canAsk(from: $0, positions, count: page.items.count, base: pass.base) ? $0 : nil
        }
        if isTorn, isEnd || target != nil {
            guard pass.repeats < Self.repeatLimit else { return leave() }
            pass.restart()
            pass.repeats += 1
            met = []
        } else if isEnd {
            return complete()
        } else if let target {
            pass.restart()
            pass.repeats = 0
            pass.base = target
            met = []
            cursor.position = target
            forget()
        } else {
            pass.isChained = true
            if let next { pass.next = next }
        }
        cursor.pass = pass
    }

    /// Whether asking from this position on skips at least half of the page, and loses nothing of it.
    private func canAsk(from target: ReadPosition, _ positions: [ReadPosition], count: Int, base: ReadPosition?) -> Bool
    {
        guard positions.count == count, base.map({ target.isBehind($0) }) ?? true,
            zip(positions, positions.dropFirst()).allSatisfy({ $0 <= $1 })
        else { return false }
        let from = target.moved(back: overlap)
        return positions.count { $0 < from } * 2 >= count
    }

    /// Ends a pass that never came to rest where it is; the next one begins there again.
    private mutating func leave() {
        cursor.pass = nil
        met = []
    }

    /// Stops at the first page that ends in what a finished pass has read.
    private mutating func turnDescending(_ page: Page, _ next: Continuation?) {
        let isKnown = page.items.last.map { cursor.seen.isSettled($0.id, digest: $0.digest) } ?? false
        let end: ReadPosition? =
            scope.lane == .backfill || cursor.completedAt == nil
            ? .instant(scope.from) : cursor.position?.moved(back: overlap)
        let last = page.items.last?.position
        let isBehind = if let last, let end { (last.time ?? scope.from) < (end.time ?? scope.from) } else { false }
        let isBlind = scope.lane == .live && cursor.completedAt == nil && last == nil
        goOn(isBehind || isBlind || scope.lane == .live && isKnown ? nil : next)
    }

    private mutating func turnWindow(_ next: Continuation?, isCut: Bool) {
        guard var pass = cursor.pass else { return }
        if let next {
            pass.next = next
        } else {
            let window = pass.windows.isEmpty ? nil : pass.windows.removeFirst()
            if isCut, let window {
                if window.seconds >= Self.smallestWindow {
                    pass.windows.insert(contentsOf: window.halves, at: 0)
                } else {
                    cursor.cutWindows += 1
                }
            }
            pass.next = .first
            met = []
        }
        cursor.pass = pass
        if pass.windows.isEmpty { complete() }
    }

    private mutating func goOn(_ next: Continuation?) {
        if let next { cursor.pass?.next = next } else { complete() }
    }

    private mutating func complete() {
        guard let pass = cursor.pass else { return }
        switch source.cursor.kind {
        case .ascending: cursor.position = .furthest(cursor.position, pass.base, pass.highest)
        case .descending: cursor.position = .furthest(cursor.position, pass.highest)
        case .windows: cursor.position = .instant(min(pass.begunAt, scope.to ?? pass.begunAt))
        case .full: break
        }
        cursor.seen.settle()
        cursor.completedAt = pass.begunAt
        cursor.pass = nil
        forget()
        met = []
    }

    /// Forgets what cannot be met again.
    ///
    /// Requests ask in whole seconds or days, so a little more is kept.
    private mutating func forget() {
        let margin = source.cursor.kind == .windows ? 2 * 86_400 : 1
        if scope.lane == .live, source.cursor.kind == .ascending || source.cursor.kind == .windows,
            let position = cursor.position
        {
            cursor.seen.forget(before: position.moved(back: overlap + margin))
        }
        cursor.seen.keep(source.cursor.remember)
        for name in cursor.nested.keys {
            let limit = source.nested.first { $0.name == name }?.cursor.remember ?? source.cursor.remember
            cursor.nested[name]?.seen.keep(limit)
        }
    }

    /// Live reading begins where the last pass ended; a backfill goes back from its end.
    private func windows(upTo now: Timestamp) -> [Window] {
        switch scope.lane {
        case .live:
            let start = cursor.position?.time ?? scope.from
            return Window(from: start.advanced(bySeconds: -Double(overlap)), to: now).sliced(by: source.cursor.window)
        case .backfill:
            return Window(from: scope.from, to: scope.to ?? now).sliced(by: source.cursor.window).reversed()
        }
    }

    private var overlap: Int { scope.lane == .live ? source.cursor.overlap : 0 }

    // MARK: - Pages

    /// What follows a page; and whether the provider has more than it shows.
    private func following(_ page: Page, in pass: Pass, isNew: Bool) -> (Continuation?, isCut: Bool) {
        guard isNew || page.items.isEmpty && emptyPages < Self.emptyPageLimit else { return (nil, false) }
        switch source.pagination {
        case .none: return (nil, false)
        case .link: return (page.link.map(Continuation.address), false)
        case .next(let path):
            return (Path(path).value(in: page.document.root)?.string.flatMap { $0.isEmpty ? nil : .address($0) }, false)
        case .token(_, let path):
            let token = Path(path).value(in: page.document.root).flatMap { MappedValue($0)?.string }
            return (token.flatMap { $0.isEmpty ? nil : .token($0) }, false)
        case .page(_, let first, let last, let moreAt):
            let current = if case .page(let number) = pass.next { number } else { first }
            // "More" is told by `true` alone: at the end some say `null`, not `false`.
            let hasMore = moreAt.map { Path($0).value(in: page.document.root)?.bool == true } ?? !page.items.isEmpty
            guard hasMore, isNew else { return (nil, false) }
            guard last.map({ current < $0 }) ?? true else { return (nil, moreAt != nil) }
            return (.page(current + 1), false)
        case .keyset(_, let value, let lowest):
            guard isNew else { return (nil, false) }
            let keys = page.items.compactMap { value.evaluate(in: MappingScope(item: $0.value)) }
            let key = lowest ? keys.min { ($0.double ?? .infinity) < ($1.double ?? .infinity) } : keys.last
            return (key?.string.map(Continuation.key), false)
        case .ids(let path, _, _, let batch):
            let left: [String]
            switch pass.next {
            case .ids(_, let rest): left = rest
            default:
                let here = Set(page.items.map(\.id))
                let all = Path(path).value(in: page.document.root).flatMap { MappedValue($0)?.strings } ?? []
                left = all.filter { !here.contains($0) && !cursor.seen.contains($0) }
            }
            guard !left.isEmpty else { return (nil, false) }
            let count = min(max(1, batch), left.count)
            return (.ids(next: Array(left[..<count]), rest: Array(left[count...])), false)
        }
    }
}
