import ByteJSON
import Common
import Connectors
import Logging
import ServiceKit

/// One turn at one lane of one stream: the part that acts on what ``SourceReader`` decides.
///
/// The order is always: page, log, checkpoint. What a crash cuts off is read again, and nothing is passed over.
/// Several pages may share a checkpoint (``FetcherSettings/checkpointEvery``).
struct StreamVisit {
    let lane: Lane
    let stream: StreamRecord
    let target: FetchTarget
    let lease: FetcherStore.Lease
    let equipment: FetchEquipment
    /// Whether others wait: a backfill then stops at the next page.
    let mustYield: @Sendable () -> Bool

    private var cursor = LaneCursor()
    private var version: Int64 = 0
    private var other: LaneCursor?
    private var pages = 0
    private var saved = 0
    private var savedAt = ContinuousClock.now
    private var heldUntil: Timestamp
    /// Items made durable by this visit.
    private(set) var items = 0
    /// When the live lane's sources were asked first: everything up to then was read, once all came to their end.
    private(set) var begunAt: Timestamp?

    init(
        lane: Lane, stream: StreamRecord, target: FetchTarget, lease: FetcherStore.Lease, equipment: FetchEquipment,
        mustYield: @escaping @Sendable () -> Bool
    ) {
        self.lane = lane
        self.stream = stream
        self.target = target
        self.lease = lease
        self.equipment = equipment
        heldUntil = equipment.context.now()
        self.mustYield = mustYield
    }

    private var context: RoleContext { equipment.context }
    private var settings: FetcherSettings { equipment.settings }
    private var leaseEnd: Timestamp { context.now().advanced(bySeconds: Double(settings.leaseSeconds)) }

    /// Reads on from the checkpoint.
    ///
    /// - Returns: Whether the lane came to its end; false if it gave way to others, or came to no rest.
    mutating func run() async throws -> Bool {
        do {
            let isFinished = try await readAll()
            try await save()
            return isFinished
        } catch let failure as ReadFailure where failure != .lost {
            try await save()
            throw failure
        }
    }

    private mutating func readAll() async throws -> Bool {
        let checkpoint = try await equipment.store.checkpoint(stream.id, lane)
        cursor = known(checkpoint) ?? LaneCursor()
        cursor.target = target.identity
        version = checkpoint?.version ?? 0
        other = known(try await equipment.store.checkpoint(stream.id, lane == .live ? .backfill : .live))
        if lane == .backfill, cursor.isDone { return true }
        var oldestPass: Timestamp?
        for source in target.sources {
            if lane == .backfill, cursor.sources[source.name]?.completedAt != nil || isWholeAnyway(source) { continue }
            guard try await read(source) else { return false }
            guard let completed = cursor.sources[source.name]?.completedAt else { return false }
            oldestPass = min(oldestPass ?? completed, completed)
        }
        begunAt = oldestPass
        if lane == .backfill { cursor.isDone = true }
        return true
    }

    /// A checkpoint's cursor, unless it is of something else than what is read now.
    private func known(_ checkpoint: FetcherStore.Checkpoint?) -> LaneCursor? {
        checkpoint.flatMap { $0.cursor.isOfAnother(than: target.identity) ? nil : $0.cursor }
    }

    /// Sets up the backfill that the stream's settings or a request ask for; what is set up already stays as it is.
    mutating func prepareBackfill(for request: FetcherStore.Request?) async throws {
        let checkpoint = try await equipment.store.checkpoint(stream.id, .backfill)
        let old = known(checkpoint)
        let range: BackfillRange
        if let request, let since = request.backfillSince {
            range = BackfillRange(from: since, to: request.requestedAt, again: true)
        } else if let since = stream.backfillSince, since < stream.createdAt {
            guard old == nil || old?.range.map({ since < $0.from }) == true else { return }
            range = old.range(from: since, before: stream.createdAt)
        } else {
            guard old == nil else { return }
            let begin = stream.createdAt
            range = BackfillRange(from: begin, to: begin, again: false)
        }
        if old?.range != range || old?.isDone == true && request != nil {
            cursor = LaneCursor(range: range, target: target.identity)
            cursor.isDone = range.from >= range.to
            version = checkpoint?.version ?? 0
            try await save()
        }
        if let request { try await equipment.store.handled(request) }
    }

    // MARK: - One source

    private mutating func read(_ source: ReadSource) async throws -> Bool {
        var reader = SourceReader(
            source, scope: scope(of: source), cursor: cursor.sources[source.name] ?? SourceCursor())
        reader.begin(at: context.now())
        var pagesOfPass = 0
        while let plan = reader.plan {
            if lane == .backfill, pages > 0, pages >= settings.backfillPages || mustYield() {
                cursor.sources[source.name] = reader.cursor
                return false
            }
            let knownTag = lane == .live && plan.continuation == .first ? reader.cursor.tag : nil
            pages += 1
            pagesOfPass += 1
            switch try await fetch(source, plan, tag: knownTag) {
            case .nothingNew:
                reader.finish()
            case .page(let page, let tag):
                let unread = reader.unread(in: page)
                if source.nested.isEmpty {
                    let facts = reader.context.merging(page.context) { $1 }
                    try await append(unread, of: source, context: facts)
                    for item in unread { reader.mark(item) }
                    items += unread.count
                } else {
                    for item in unread {
                        for nested in source.nested {
                            do {
                                try await read(nested, for: item, within: &reader)
                            } catch ReadFailure.unaskable(let reason) {
                                context.logger.warning(
                                    "an item is passed over: what belongs to it cannot be asked for",
                                    metadata: ["stream": "\(stream.id)", "item": "\(item.id)", "reason": "\(reason)"])
                            }
                        }
                        reader.mark(item)
                        cursor.sources[source.name] = reader.cursor
                        try await saveIfDue()
                    }
                }
                let cut = reader.cursor.cutWindows
                reader.turn(after: page, unread: unread.count)
                if reader.cursor.cutWindows > cut {
                    context.logger.warning(
                        "the provider has more in one day than it shows; follow less in one stream",
                        metadata: [
                            "stream": "\(stream.id)", "from": "\(plan.window?.from.description ?? "")",
                        ])
                }
                if reader.plan == nil { reader.note(tag: tag, pages: pagesOfPass) }
            }
            cursor.sources[source.name] = reader.cursor
            try await saveIfDue()
        }
        cursor.sources[source.name] = reader.cursor
        return true
    }

    /// Reads what belongs to one item: the posts of a topic.
    private mutating func read(_ source: ReadSource, for item: PageItem, within outer: inout SourceReader) async throws
    {
        var scope = scope(of: outer.source)
        scope.to = nil
        scope.known = known(outer.source)?.nested[source.name]?.seen
        var nested = outer.nestedCursor(source.name)
        nested.pass = nil  // of another item, or cut off: what was taken of it is in `seen`
        var reader = SourceReader(source, scope: scope, cursor: nested)
        reader.begin(at: context.now())
        while let plan = reader.plan {
            guard case .page(let page, _) = try await fetch(source, plan, item: item.value) else {
                reader.finish()
                break
            }
            let unread = reader.unread(in: page)
            try await append(unread, of: source, context: reader.context.merging(page.context) { $1 })
            for item in unread { reader.mark(item) }
            items += unread.count
            reader.turn(after: page, unread: unread.count)
            outer.setNestedCursor(reader.cursor, of: source.name)
            cursor.sources[outer.source.name] = outer.cursor
            try await saveIfDue()
        }
        outer.setNestedCursor(reader.cursor, of: source.name)
    }

    /// The live lane reads the whole sequence: there is nothing before it.
    private func isWholeAnyway(_ source: ReadSource) -> Bool {
        source.cursor.kind == .full && cursor.range?.again != true
    }

    private func known(_ source: ReadSource) -> SourceCursor? {
        let again = lane == .backfill ? cursor.range?.again ?? false : other?.range?.again ?? false
        return again ? nil : other?.sources[source.name]
    }

    private func scope(of source: ReadSource) -> ReadScope {
        let begin = stream.createdAt.advanced(bySeconds: -Double(source.cursor.overlap))
        let floor = source.cursor.kind == .full ? stream.backfillSince : stream.backfillSince ?? begin
        var scope = ReadScope(lane: lane, from: stream.createdAt, floor: floor, known: known(source)?.seen)
        if lane == .backfill, let range = cursor.range {
            scope.from = range.from
            scope.to = range.to
            scope.floor = range.from
        }
        return scope
    }

    // MARK: - Log and checkpoint

    private func append(_ items: [PageItem], of source: ReadSource, context facts: [String: JSON]) async throws {
        guard !items.isEmpty else { return }
        let records = RawRecords(stream, manifest: target.manifest)
        let now = context.now()
        let begun = ContinuousClock.now
        let batch = records.batch(items, source: source.name, context: facts, receivedAt: now)
        do {
            try await context.log.append(batch, to: .raw)
        } catch EventLogError.recordTooLarge where items.count > 1 {
            for item in items { try await append([item], of: source, context: facts) }
            return
        } catch EventLogError.recordTooLarge(let bytes, let limit) {
            equipment.metrics.tooLarge.add()
            context.logger.error(
                "an item is too large for the log and was left out",
                metadata: [
                    "stream": "\(stream.id)", "item": "\(items[0].id)", "bytes": "\(bytes)", "limit": "\(limit)",
                ])
            return
        }
        equipment.metrics.appended.add(Double(items.count))
        equipment.metrics.bytes.add(Double(batch.arena.count))
        equipment.metrics.busy.add((ContinuousClock.now - begun).seconds)
    }

    private mutating func saveIfDue() async throws {
        guard (ContinuousClock.now - savedAt).seconds >= settings.checkpointEvery else { return }
        try await save()
    }

    private mutating func save() async throws {
        let end = leaseEnd
        version = try await equipment.store.save(
            cursor, lane, replacing: version, lease: lease, until: end, items: items - saved, now: context.now())
        saved = items
        savedAt = .now
        heldUntil = end
    }

    // MARK: - One page

    private enum Answer {
        case page(Page, EntityTag?)
        case nothingNew
    }

    private mutating func fetch(
        _ source: ReadSource, _ plan: PagePlan, item: JSONValue? = nil, tag: EntityTag? = nil
    ) async throws -> Answer {
        // Whoever stood still learns here that the stream has gone to another, before it asks and appends once more.
        let end = leaseEnd
        if heldUntil < end.advanced(bySeconds: -Double(settings.leaseSeconds) / 2) {
            try await equipment.store.renew(lease, until: end)
            heldUntil = end
        }
        let around = RequestSurroundings(
            config: try target.openConfig(), entity: stream.entity, auth: target.manifest.auth, item: item,
            now: context.now(), limits: settings.limits)
        var request = try source.request(for: plan, around)
        let address = String(digest(of: request.url.utf8), radix: 16)
        if let tag, tag.address == address { request.headers.append(("If-None-Match", tag.value)) }

        let client = PoliteClient(equipment: equipment, connection: stream.connection)
        guard let (response, document) = try await client.send(request, of: source, settings: target.settings) else {
            return .nothingNew
        }
        let page = Page(
            document, of: source, link: response["link"].flatMap(WebAddress.next(inLink:)), settings: target.settings)
        return .page(page, response["etag"].map { EntityTag(value: $0, address: address) })
    }
}

extension LaneCursor? {
    /// What a backfill reads that is to begin earlier: what was read to its end is not read again, the rest is not
    /// forgotten.
    fileprivate func range(from since: Timestamp, before end: Timestamp) -> BackfillRange {
        guard let self, let range = self.range else { return BackfillRange(from: since, to: end, again: false) }
        return BackfillRange(from: since, to: self.isDone ? range.from : range.to, again: !self.isDone && range.again)
    }
}
