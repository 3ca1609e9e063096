import Common
import Connectors

/// Goes through one partition's batch and gives what becomes of it, slice by slice, in order.
struct PartitionParser {
    private let intake: Intake
    private let parser: EventParser
    private let appended: AppendedBefore
    private var plans: StreamPlans
    /// The next event to be read.
    private var event = 0
    /// Items that were read and not yet handed on, from `taken` on.
    private var items: [ReadItem] = []
    private var taken = 0
    /// The last event that a dead letter was made of.
    private var lastDeadEvent = -1

    init(_ intake: Intake, parser: EventParser, plans: StreamPlans, appended: AppendedBefore) {
        self.intake = intake
        self.parser = parser
        self.plans = plans
        self.appended = appended
    }

    /// The next slice; nil at the end.
    mutating func next() -> ParsedSlice? {
        let size = parser.settings.sliceSize
        while items.count - taken < size, event < intake.facts.count {
            let before = items.count
            parser.read(intake, event, &plans, into: &items)
            recall(after: items.count - before)
            event += 1
        }
        guard taken < items.count else { return nil }
        let end = min(items.count, taken + size)
        let slice = parser.finish(items[taken..<end], of: intake, appended: appended, lastDeadEvent: &lastDeadEvent)
        if end == items.count {
            items.removeAll(keepingCapacity: true)
            taken = 0
        } else {
            taken = end
        }
        return slice
    }
}

extension PartitionParser {
    /// Adds the items of this event that went out before a crash and of which the event is silent now.
    private mutating func recall(after count: Int) {
        guard let last = items.last else { return }
        for item in appended.items(ofEventAt: intake.batch.records.offset(at: event), from: count) {
            items.append(
                ReadItem(
                    event: event, item: item, outcome: last.outcome, plan: nil, workspace: last.workspace,
                    stream: last.stream))
        }
    }
}

/// One item of a raw event, as the connector's mapping has it.
struct ReadItem: Sendable {
    /// Which event of the batch.
    let event: Int
    /// Which item of the event.
    let item: Int
    let outcome: MappingOutcome
    /// nil where the event could not be matched to a stream that is parsed.
    let plan: StreamPlan?
    let workspace: WorkspaceID?
    let stream: StreamID?
}

/// What becomes of a slice of items.
struct ParsedSlice: Sendable {
    /// To be appended to the feedback topic, in this order.
    var feedback = RecordBatch()
    /// To be appended to the dead letters.
    var deadLetters = RecordBatch()
    /// By workspace id; empty where it could not be told.
    var counts: [String: ParserLedger.Counts] = [:]
    /// How each item went, in order.
    var judged: [JudgedItem] = []
    /// Events of the batch of which an item failed.
    var failedEvents: Set<Int> = []
    /// Why the last one that failed did.
    var exampleOfFailure: String?
    /// The same, by stream.
    var examplesOfFailure: [StreamID: String] = [:]
}
