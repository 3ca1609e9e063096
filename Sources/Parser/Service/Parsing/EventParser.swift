import ByteJSON
import Common
import Connectors
import Engines

/// Turns raw events into feedback and dead letters. Pure: what comes out depends on what is handed in alone.
struct EventParser: Sendable {
    let pipeline: EnginePipeline
    let settings: ParserSettings
    let now: Timestamp
    /// The job that reads events again; nil reads them for the first time.
    let job: JobID?
    private let engines: [String]
    private let finder: (any Engine)?

    init(pipeline: EnginePipeline, settings: ParserSettings, now: Timestamp, job: JobID? = nil) {
        self.pipeline = pipeline
        self.settings = settings
        self.now = now
        self.job = job
        engines = pipeline.identities
        finder = pipeline.engines.first { $0.produces == .personalData }
    }

    // MARK: Reading

    /// Reads the items of one event: one at least.
    func read(_ intake: Intake, _ event: Int, _ plans: inout StreamPlans, into items: inout [ReadItem]) {
        let facts = intake.facts[event]
        switch plans.verdict(for: facts) {
        case .refuse(let outcome, let workspace, let stream):
            items.append(
                ReadItem(event: event, item: 0, outcome: outcome, plan: nil, workspace: workspace, stream: stream))
        case .parse(let plan):
            for (item, outcome) in outcomes(of: intake.batch.records.value(at: event), facts, plan).enumerated() {
                items.append(
                    ReadItem(
                        event: event, item: item, outcome: outcome, plan: plan, workspace: plan.workspace.id,
                        stream: plan.stream.id))
            }
        }
    }

    private func outcomes(of payload: ArraySlice<UInt8>?, _ facts: RawFacts, _ plan: StreamPlan) -> [MappingOutcome] {
        guard let payload else { return [.malformed(reason: "the event has no payload")] }
        guard payload.count <= settings.maximumPayloadBytes else {
            return [
                .malformed(
                    reason: "the payload has \(payload.count) bytes, more than \(settings.maximumPayloadBytes)")
            ]
        }
        let outcomes = plan.mapper.map(payload, headers: facts.headers)
        return outcomes.isEmpty ? [.filtered(reason: "no items")] : outcomes
    }

    // MARK: Finishing

    /// Cleans, annotates and writes the items of a slice.
    func finish(
        _ items: ArraySlice<ReadItem>, of intake: Intake, appended: AppendedBefore, lastDeadEvent: inout Int
    ) -> ParsedSlice {
        var texts = items.map(Text.init)
        var annotated: [AnnotatedText] = []
        annotated.reserveCapacity(texts.count)
        for i in texts.indices where texts[i].isAnnotated {
            annotated.append(texts[i].takeAnnotated())
        }
        pipeline.annotate(&annotated)

        var slice = ParsedSlice()
        slice.judged.reserveCapacity(items.count)
        slice.feedback.reserveCapacity(records: items.count, bytes: items.count * 1200)
        var hash = ContentHash()
        var nextAnnotated = 0
        for (read, text) in zip(items, texts) {
            var annotations = AnnotatedText(text: [])
            if text.isAnnotated {
                annotations = annotated[nextAnnotated]
                nextAnnotated += 1
            }
            let fate = write(read, text, annotations, of: intake, appended: appended, &hash, &slice)
            slice.note(fate, read)
            if case .dead(let reason) = fate {
                let isFirst = read.event != lastDeadEvent
                lastDeadEvent = read.event
                slice.add(deadLetter(read, reason, of: intake, isFirst: isFirst))
            }
        }
        return slice
    }

    /// Writes one item as feedback, if it is any.
    private func write(
        _ read: ReadItem, _ text: Text, _ annotations: AnnotatedText, of intake: Intake, appended: AppendedBefore,
        _ hash: inout ContentHash, _ slice: inout ParsedSlice
    ) -> Fate {
        let reference = Feedback.RawReference(
            partition: intake.batch.partition, offset: intake.batch.records.offset(at: read.event), item: read.item)
        if appended.fate(of: reference, id: nil) == .appended { return .emitted }
        switch read.outcome {
        case .filtered: return .filtered
        case .malformed(let reason): return .dead(reason)
        case .item(let item):
            guard let plan = read.plan else { return .filtered }
            let id = FeedbackID.derive(
                workspace: plan.workspace.id, connector: plan.manifest.name, instance: item.instance,
                externalID: item.externalID)
            guard appended.fate(of: reference, id: id) == .fresh else {
                return .dead("it failed or was left out before a restart, and would pass now: replay it")
            }
            let facts = intake.facts[read.event]
            let feedback = feedback(
                item, id, plan, text, annotations, contentHash: hash(of: item),
                how: String(decoding: facts.how, as: UTF8.self),
                collectedAt: Timestamp(String(decoding: facts.receivedAt, as: UTF8.self))
                    ?? intake.batch.records.timestamp(at: read.event),
                reference)
            var writer = JSONWriter(reservingCapacity: 1024 + feedback.text.utf8.count)
            feedback.write(to: &writer)
            guard writer.bytes.count <= settings.maximumFeedbackBytes else {
                return .dead(
                    "as feedback it has \(writer.bytes.count) bytes, more than \(settings.maximumFeedbackBytes)")
            }
            slice.feedback.append(
                key: id.rawValue, headers: headers(of: plan, facts), value: writer.bytes, timestamp: now)
            return .emitted
        }
    }

    private func headers(of plan: StreamPlan, _ facts: RawFacts) -> RecordHeaders {
        if job == nil, facts.withdraws.isEmpty { return plan.feedbackHeaders }
        var headers = plan.feedbackHeaders
        if let job { headers.append(FeedbackHeader.reprocess, job.rawValue) }
        if !facts.withdraws.isEmpty {
            headers.append(FeedbackHeader.withdraws, String(decoding: facts.withdraws, as: UTF8.self))
        }
        return headers
    }

    private func feedback(
        _ item: MappedItem, _ id: FeedbackID, _ plan: StreamPlan, _ text: Text, _ said: AnnotatedText,
        contentHash: String, how: String, collectedAt: Timestamp, _ reference: Feedback.RawReference
    ) -> Feedback {
        let redaction = Redaction(policy: plan.workspace.personalData, workspace: plan.workspace.id, finder: finder)
        let parts = text.parts(of: said, redaction)
        var feedback = Feedback(
            id: id, workspace: plan.workspace.id,
            source: Feedback.Source(
                name: plan.manifest.name, instance: item.instance, connection: plan.stream.connection,
                stream: plan.stream.id, externalID: item.externalID, how: how),
            text: parts.text, connector: plan.manifest.identity, contentHash: contentHash, timestamp: item.createdAt,
            collectedAt: collectedAt, revision: item.revision, raw: reference)
        feedback.account = plan.workspace.account
        feedback.kind = item.kind
        feedback.title = parts.title
        feedback.url = item.url
        feedback.rating = item.rating
        feedback.ratingScale = item.ratingScale
        feedback.productVersion = item.productVersion
        feedback.platform = item.platform
        feedback.threadID = item.threadID
        feedback.inReplyTo = item.inReplyTo
        feedback.labels = item.labels
        feedback.custom = redaction.apply(to: item.custom)
        feedback.author = redaction.apply(to: item.author)
        if let updatedAt = item.updatedAt, updatedAt > item.createdAt { feedback.editedAt = updatedAt }
        feedback.deletedAt = item.deletedAt
        feedback.language = item.language.map { String($0.prefix { $0 != "-" }) } ?? "und"
        if text.isAnnotated {
            feedback.language = said.language
            feedback.sentiment = said.sentiment
            feedback.sentimentScore = said.sentimentScore
            feedback.intent = said.intent
            feedback.topics = said.topics
            feedback.engines = engines
            feedback.personalData = PersonalDataSpan.Kind.allCases
                .filter { kind in said.personalData.contains { $0.kind == kind } }.map(\.rawValue)
        }
        return feedback
    }

    private func deadLetter(_ read: ReadItem, _ reason: String, of intake: Intake, isFirst: Bool) -> DeadLetter {
        let records = intake.batch.records
        let size = records.value(at: read.event)?.count ?? 0
        var letter = DeadLetter(
            reason: reason, stage: .normalise, records: records, index: read.event,
            partition: intake.batch.partition, item: read.item, workspace: read.workspace, stream: read.stream,
            at: now, carriesOriginal: isFirst && size <= settings.maximumOriginalBytes)
        letter.attempts = intake.facts[read.event].attempt
        return letter
    }
}

/// What became of one item.
enum Fate {
    case emitted, filtered
    case dead(String)
}

extension ParsedSlice {
    /// Counts one item.
    fileprivate mutating func note(_ fate: Fate, _ read: ReadItem) {
        var counts = ParserLedger.Counts()
        if read.item == 0 { counts.events = 1 } else { counts.extra = 1 }
        switch fate {
        case .emitted: counts.emitted = 1
        case .filtered: counts.filtered = 1
        case .dead(let reason):
            counts.dead = 1
            exampleOfFailure = reason
            if let stream = read.stream { examplesOfFailure[stream] = reason }
        }
        self.counts[read.workspace?.rawValue ?? "", default: ParserLedger.Counts()] += counts
        var hasFailed = false
        if case .dead = fate {
            hasFailed = true
            failedEvents.insert(read.event)
        }
        judged.append(JudgedItem(stream: read.stream, workspace: read.workspace, failed: hasFailed))
    }

    fileprivate mutating func add(_ letter: DeadLetter) {
        deadLetters.append(key: letter.recordKey, value: letter.json, timestamp: letter.at)
    }
}
